"""The permissions table: roles, actions, resources and the code that needs each.

`plan` renders the policies from Terraform, `code` reads which calls the functions make, `needs`
adds what AWS's services and the steps need, `page` compares the two and writes docs/permissions.md.
"""
