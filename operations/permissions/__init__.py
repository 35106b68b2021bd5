"""The permissions table: role × action × resource, each with the code that needs it.

`plan` renders the policies from Terraform, `code` reads which calls the functions make, `needs`
adds what AWS's services and the steps need, `page` compares the two and writes docs/permissions.md.
"""
