"""Steps: what no Terraform resource does well, done with boto3 after the apply of a stack.

What there is to do is read at AWS each time, so that a step that was broken off goes on where it was.
"""
