"""The key that everything at rest in the Region is encrypted with, and who may use it."""

from __future__ import annotations

from aws_cdk import Fn, Stack
from aws_cdk import aws_kms as kms

from deploy.aws.stacks.parts import Json, allow, document, kept, own

_USE = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
_ADMINISTER = (
    "kms:CreateGrant kms:ListGrants kms:RevokeGrant kms:GetKeyPolicy kms:PutKeyPolicy "
    "kms:ListKeyPolicies kms:EnableKey kms:DisableKey kms:EnableKeyRotation "
    "kms:DisableKeyRotation kms:GetKeyRotationStatus kms:UpdateKeyDescription "
    "kms:ScheduleKeyDeletion kms:CancelKeyDeletion kms:TagResource kms:UntagResource "
    "kms:ListResourceTags"
).split()


def encryption_key(stack: Stack) -> kms.CfnKey:
    """The key with its alias; it is rotated every year and outlives the stack."""
    key = kms.CfnKey(
        stack,
        "Key",
        description="tierwise: everything at rest in the Region",
        enable_key_rotation=True,
        pending_window_in_days=30,
        key_policy=document(
            _of_the_account(),
            _of_a_service(
                "Logs",
                Fn.sub("logs.${AWS::Region}.amazonaws.com"),
                {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": own("logs", "log-group:*"),
                    }
                },
            ),
            *(
                _of_a_service(
                    word,
                    f"{service}.amazonaws.com",
                    {"StringEquals": {"aws:SourceAccount": Fn.ref("AWS::AccountId")}},
                )
                for word, service in (
                    ("Events", "events"),
                    ("Alarms", "cloudwatch"),
                    ("AgentCore", "bedrock-agentcore"),
                )
            ),
        ),
    )
    kept(key)
    kms.CfnAlias(
        stack,
        "KeyAlias",
        alias_name=Fn.sub("alias/${AWS::StackName}"),
        target_key_id=key.attr_key_id,
    )
    return key


def _of_the_account() -> Json:
    """Let the account's own roles be given the key; without it nobody could administer it."""
    statement = allow("OwnAccount", [*_USE, *_ADMINISTER], ["*"])
    return statement | {
        "Principal": {"AWS": Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")}
    }


def _of_a_service(sid: str, service: str, conditions: Json) -> Json:
    return allow(sid, _USE, ["*"], conditions) | {"Principal": {"Service": service}}
