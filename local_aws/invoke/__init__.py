"""One function in a container, against the running local AWS: `make invoke FUNCTION=… EVENT=…`.

`sam local invoke` runs the function; this package gives it what it needs anywhere: a container
engine, an image of the Lambda runtime, the deployed function's variables and a way from the
container to the local AWS.
"""
