"""Runs one function in a container against the local AWS: `make invoke FUNCTION=… EVENT=…`.

`sam local invoke` runs the function. This package provides what sam needs: a container engine, an
image of the Lambda runtime, the deployed function's variables and a network path from the container
to the local AWS.
"""
