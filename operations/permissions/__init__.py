"""Document each role's permissions and the code that needs them (docs/permissions.md).

`plan` renders the policies from Terraform, `code` finds the AWS calls that the functions make,
`needs` adds the needs of AWS's services and of the steps, and `page` compares policies with needs
and writes docs/permissions.md.
"""
