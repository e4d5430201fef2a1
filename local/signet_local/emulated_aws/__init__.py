"""KMS, DynamoDB and EventBridge on this machine, by moto in a process of its own."""

REGION = "us-east-1"
