//! The calls to AWS KMS, each in the region of its key and with its own deadline.

use std::sync::Arc;
use std::time::Duration;

use aws_config::Region;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec, Tag};
use jose::Algorithm;
use tokio::sync::OnceCell;

use super::super::account::{Account, within};
use super::super::fault::Fault;
use crate::telemetry::propagation;
use crate::telemetry::traces::{Span, SpanKind};

/// The longest time of one try for a signature, and of all tries: less than the caller waits.
const SIGN: (Duration, Duration) = (Duration::from_millis(1_500), Duration::from_secs(4));
/// Days from the end of a key to its deletion; KMS allows no shorter time.
const WAIT: i32 = 7;
/// The tag of every key that this program makes.
const OUR_TAG: (&str, &str) = ("jwt-generator", "signing-key");
/// The most tags of a key.
const MOST_TAGS: i32 = 50;
/// The answer of KMS for a key that is deleted or will be.
const GONE: [&str; 2] = ["NotFoundException", "KMSInvalidStateException"];

/// A client that is made when it is first needed.
#[derive(Debug)]
pub(super) struct Calls {
    account: Arc<Account>,
    client: OnceCell<Client>,
}

impl Calls {
    pub(super) fn of(account: Arc<Account>) -> Self {
        Self { account, client: OnceCell::new() }
    }

    /// Makes a key and returns its ARN.
    pub(super) async fn create(&self, algorithm: Algorithm, spec: KeySpec) -> Result<String, Fault> {
        let tags = tags(algorithm).map_err(|error| Fault::lasting(&error.to_string()))?;
        let call = self.client().await?.create_key();
        let call = call.key_usage(KeyUsageType::SignVerify).key_spec(spec).set_tags(Some(tags));
        let call = call.description(format!("Signs the tokens of JWT Generator with {algorithm}"));
        let made = call.send().await.map_err(|error| Fault::of("CreateKey", &error))?;
        let arn = made.key_metadata.and_then(|metadata| metadata.arn);
        arn.ok_or_else(|| Fault::lasting("CreateKey: the answer names no key"))
    }

    /// A key's public half as DER (SubjectPublicKeyInfo).
    pub(super) async fn public_half(&self, arn: &str) -> Result<Vec<u8>, Fault> {
        let call = self.client().await?.get_public_key().key_id(arn);
        let sent = call.customize().config_override(at(arn)).send().await;
        let half = sent.map_err(|error| Fault::of("GetPublicKey", &error))?;
        let der = half.public_key.map(Blob::into_inner);
        der.ok_or_else(|| Fault::lasting("GetPublicKey: the answer holds no key"))
    }

    /// The JWS signature value over `message`; KMS only sees the hash of the message.
    pub(super) async fn sign(
        &self,
        arn: &str,
        algorithm: Algorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let hash = Blob::new(digest(&SHA256, message).as_ref());
        let call = self.client().await?.sign().key_id(arn);
        let call = call.message_type(MessageType::Digest).message(hash);
        let call = call.signing_algorithm(signing_algorithm(algorithm)?);
        let signed = signing_span(arn).watch(
            async {
                let call = call.customize().config_override(at(arn).timeout_config(within(SIGN)));
                let trace = propagation().map(|trace| trace.xray);
                let call = call.mutate_request(move |request| {
                    if let Some(trace) = &trace {
                        request.headers_mut().insert("x-amzn-trace-id", trace.clone());
                    }
                });
                call.send().await.map_err(|error| Fault::of("Sign", &error))
            },
            |signed, span| {
                if signed.is_err() {
                    span.fail("failed");
                }
            },
        );
        let signed = signed.await?;
        let signature = signed.signature.map(Blob::into_inner).unwrap_or_default();
        if algorithm != Algorithm::Es256 {
            return Ok(signature);
        }
        let value = jose::es256_from_der(&signature);
        value.map(Vec::from).ok_or_else(|| Fault::lasting("Sign: the answer is no ECDSA signature on P-256"))
    }

    /// Disables a key at once, and schedules its deletion for the earliest time that KMS allows. It is not an
    /// error if the key is gone already.
    pub(super) async fn end(&self, arn: &str) -> Result<(), Fault> {
        let client = self.client().await?;
        let disabled = client.disable_key().key_id(arn).customize().config_override(at(arn)).send().await;
        unless_gone(disabled.map_err(|error| Fault::of("DisableKey", &error)))?;
        let call = client.schedule_key_deletion().key_id(arn).pending_window_in_days(WAIT);
        let scheduled = call.customize().config_override(at(arn)).send().await;
        unless_gone(scheduled.map_err(|error| Fault::of("ScheduleKeyDeletion", &error)))
    }

    /// Whether a key carries the tag that says that this program made it. `None` if there is no such key.
    pub(super) async fn is_ours(&self, arn: &str) -> Result<Option<bool>, Fault> {
        let call = self.client().await?.list_resource_tags().key_id(arn).limit(MOST_TAGS);
        let sent = call.customize().config_override(at(arn)).send().await;
        match sent.map_err(|error| Fault::of("ListResourceTags", &error)) {
            Err(fault) if fault.is_one_of(&GONE) => Ok(None),
            Err(fault) => Err(fault),
            Ok(listed) => {
                Ok(Some(listed.tags().iter().any(|tag| (tag.tag_key(), tag.tag_value()) == OUR_TAG)))
            }
        }
    }

    async fn client(&self) -> Result<&Client, Fault> {
        self.client.get_or_try_init(async || Ok(Client::new(self.account.config().await?))).await
    }
}

/// The span of one signature, as the semantic conventions for AWS's SDKs say.
fn signing_span(arn: &str) -> Span {
    let mut span = Span::begin("KMS/Sign", SpanKind::Client);
    if span.is_recorded() {
        span.set("rpc.system", "aws-api");
        span.set("rpc.service", "KMS");
        span.set("rpc.method", "Sign");
        if let Some(region) = region_of(arn) {
            span.set("cloud.region", Arc::<str>::from(region));
        }
    }
    span
}

/// The KMS signing algorithm for a key of this algorithm.
pub(super) fn signing_algorithm(algorithm: Algorithm) -> Result<SigningAlgorithmSpec, Fault> {
    match algorithm {
        Algorithm::Rs256 => Ok(SigningAlgorithmSpec::RsassaPkcs1V15Sha256),
        Algorithm::Ps256 => Ok(SigningAlgorithmSpec::RsassaPssSha256),
        Algorithm::Es256 => Ok(SigningAlgorithmSpec::EcdsaSha256),
        Algorithm::EdDsa => Err(Fault::lasting(
            "AWS KMS has no Ed25519 signing by digest that makes the EdDSA of tokens: \
             set JWT_ALGORITHM to RS256, PS256 or ES256",
        )),
        Algorithm::MlDsa44 | Algorithm::MlDsa65 | Algorithm::MlDsa87 => Err(Fault::lasting(
            "ML-DSA keys in AWS KMS are not supported: keep them in files, in the database or in Secrets Manager",
        )),
    }
}

/// A key stays in the region in which it was made, wherever the instance that uses it runs.
fn at(arn: &str) -> Builder {
    Builder::new().region(region_of(arn).map(|region| Region::new(region.to_owned())))
}

fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}

/// An operator and a policy recognise our keys by these tags.
fn tags(algorithm: Algorithm) -> Result<Vec<Tag>, aws_sdk_kms::error::BuildError> {
    [OUR_TAG, ("algorithm", algorithm.name())]
        .into_iter()
        .map(|(name, value)| Tag::builder().tag_key(name).tag_value(value).build())
        .collect()
}

fn unless_gone<T>(done: Result<T, Fault>) -> Result<(), Fault> {
    match done {
        Err(fault) if !fault.is_one_of(&GONE) => Err(fault),
        _ => Ok(()),
    }
}
