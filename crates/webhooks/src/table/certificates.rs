//! Providers whose key is fetched: a certificate of theirs, or a key from their API.

use super::PROVIDER;
use crate::fetched::Fetched;
use crate::provider::{Provider, Scheme};

/// "Raw message delivery" carries no signature and is refused.
pub(super) const AWS_SNS: Provider = Provider {
    id: "aws-sns",
    name: "Amazon SNS",
    docs: "https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html",
    secret_hint: "The topic's ARN: arn:aws:sns:…. Set the topic's SignatureVersion to 2, and leave raw message delivery off.",
    caveat: Some(
        "SignatureVersion 1, Amazon's default, is RSA over SHA-1: who may publish to the topic could prepare two messages of one signature. Version 2 is not open to that.",
    ),
    scheme: Scheme::Fetched(Fetched::AwsSns),
    ..PROVIDER
};

pub(super) const PAYPAL: Provider = Provider {
    id: "paypal",
    name: "PayPal",
    docs: "https://developer.paypal.com/api/rest/webhooks/rest/",
    secret_hint: "The webhook's ID, in the list of your app's webhooks: 17 characters such as 8PT597110X687430L.",
    caveat: Some(
        "PayPal signs a CRC-32 of the body and not the body: who has seen one request can make another body for it. It would be taken for the same event come twice.",
    ),
    scheme: Scheme::Fetched(Fetched::PayPal),
    ..PROVIDER
};

pub(super) const PLAID: Provider = Provider {
    id: "plaid",
    name: "Plaid",
    docs: "https://plaid.com/docs/api/webhooks/webhook-verification/",
    secret_hint: "Your API credentials as JSON: {\"client_id\":\"…\",\"secret\":\"…\"}, with \"environment\":\"sandbox\" for the sandbox's. They stay in the control plane.",
    caveat: Some(
        "The token names no recipient: that the event is yours follows from Plaid's API giving its key for your credential.",
    ),
    scheme: Scheme::Fetched(Fetched::Plaid),
    ..PROVIDER
};
