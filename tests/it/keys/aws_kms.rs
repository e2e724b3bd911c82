//! Keys in AWS KMS: the program with moto, over real HTTP, while KMS works, is slow, is away or refuses.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::mongod::free_port;
use crate::support::{
    Answer, Client, Fault, Moto, Program, Proxy, Verifier, eventually, jwt_generator, refused,
};

const REGION: &str = "eu-west-1";
const USUAL: [(&str, &str); 4] = [
    ("KEY_CUSTODY", "aws-kms"),
    ("SKIP_DATABASE", "true"),
    ("KEY_REFRESH", "1s"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
];
const CREDENTIALS: [(&str, &str); 3] =
    [("AWS_REGION", REGION), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

fn settings<'a>(endpoint: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let endpoint = [("AWS_ENDPOINT_URL", endpoint)];
    [&USUAL[..], &CREDENTIALS, &endpoint, more].concat()
}

fn behind(proxy: &Proxy) -> String {
    format!("http://{}", proxy.address())
}

fn ring(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("keys/ring.json")).unwrap()).unwrap()
}

/// The ARN of a key of the ring, if it still has a private half.
fn arn(folder: &Path, index: usize) -> Option<String> {
    let home = ring(folder)["keys"][index]["home"].as_str()?.to_owned();
    Some(home.strip_prefix("aws-kms:").unwrap_or_else(|| panic!("{home}")).to_owned())
}

fn generate(client: &Client) -> Answer {
    client.post("/api/token/generate", &json!({}))
}

#[track_caller]
fn works(client: &Client) {
    assert!(is_accepted(client));
}

/// Whether the service accepts its own new token.
fn is_accepted(client: &Client) -> bool {
    let token = client.demo_token(&json!({}));
    client.post("/api/token/validate", &json!({ "token": token })).status == 200
}

#[track_caller]
fn is_unavailable(answer: &Answer) {
    answer.is_refused(503, "keys_unavailable", "The keys are unavailable; try again shortly");
    assert_eq!(answer.header("retry-after"), Some("5"));
}

fn signs(client: &Client) -> bool {
    client.get("/health").ok()["signing"] == true
}

#[test]
fn a_key_is_made_in_kms_and_signs_there() {
    let moto = Moto::shared();
    for (algorithm, bits, spec) in
        [("RS256", "2048", "RSA_2048"), ("PS256", "3072", "RSA_3072"), ("ES256", "2048", "ECC_NIST_P256")]
    {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = moto.endpoint();
        let kind = [("JWT_ALGORITHM", algorithm), ("KEY_BITS", bits)];
        let program = Program::start(folder.path(), &settings(&endpoint, &kind));
        works(&program.client());
        assert!(signs(&program.client()));

        let arn = arn(folder.path(), 0).unwrap();
        let metadata = moto.kms(REGION, "DescribeKey", &json!({ "KeyId": arn })).ok()["KeyMetadata"].clone();
        assert_eq!((&metadata["KeySpec"], &metadata["KeyUsage"]), (&json!(spec), &json!("SIGN_VERIFY")));
        let tags = moto.kms(REGION, "ListResourceTags", &json!({ "KeyId": arn })).ok()["Tags"].clone();
        let tag = |name, value| json!({ "TagKey": name, "TagValue": value });
        assert_eq!(tags, json!([tag("jwt-generator", "signing-key"), tag("algorithm", algorithm)]));
        let names = fs::read_dir(folder.path().join("keys")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, ["ring.json", "server-secret"], "no private half is here");
    }
}

#[test]
fn foreign_verifiers_accept_what_kms_has_signed() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Moto::shared().endpoint();
    let program = Program::start(folder.path(), &settings(&endpoint, &[("JWT_ALGORITHM", "ES256")]));
    let jwks = format!("{}/api/jwks", program.client().base());
    let mut verifiers = Verifier::all(&jwks, "jwt-generator-app", "jwt-generator-api");
    // The numbers of an ECDSA signature are of every length; one in 128 tokens has a short one.
    for _ in 0..16 {
        let token = program.client().demo_token(&json!({ "subject": "ada" }));
        for verifier in &mut verifiers {
            assert_eq!(verifier.ask(&token), "ok ada default-key-id", "{}", verifier.name);
        }
    }
}

#[test]
fn while_kms_is_silent_no_token_is_made_and_all_else_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::before(Moto::shared().address());
    let endpoint = behind(&proxy);
    let program = Program::start(folder.path(), &settings(&endpoint, &[("JWT_ALGORITHM", "ES256")]));
    let client = program.client();
    let token = client.demo_token(&json!({}));
    for fault in [Fault::BlackHole, Fault::Cut] {
        proxy.set(fault);
        is_unavailable(&generate(&client));
        assert!(client.get("/api/jwks").ok()["keys"][0]["kid"].is_string());
        assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
        proxy.set(Fault::None);
        works(&client);
    }
    let log = program.log();
    assert_eq!(log.matches("AWS KMS does not sign").count(), 2, "{log}");
    assert_eq!(log.matches("AWS KMS signs again").count(), 2, "{log}");
}

#[test]
fn a_known_ring_is_served_though_kms_is_down_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Moto::shared().endpoint();
    let program = Program::start(folder.path(), &settings(&endpoint, &[("JWT_ALGORITHM", "ES256")]));
    let token = program.client().demo_token(&json!({}));
    let jwks = program.client().get("/api/jwks").body;
    program.kill();

    let nobody = format!("http://127.0.0.1:{}", free_port());
    let program = Program::start(folder.path(), &settings(&nobody, &[("JWT_ALGORITHM", "ES256")]));
    let client = program.client();
    assert_eq!(client.get("/api/jwks").body, jwks);
    assert_eq!(client.post("/api/token/validate", &json!({ "token": token })).status, 200);
    is_unavailable(&generate(&client));
}

#[test]
fn a_first_start_while_kms_is_down_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let proxy = Proxy::before(Moto::shared().address());
    proxy.set(Fault::Cut);
    let endpoint = behind(&proxy);
    let program = Program::start(folder.path(), &settings(&endpoint, &[("JWT_ALGORITHM", "ES256")]));
    let client = program.client();
    assert!(!signs(&client));
    is_unavailable(&generate(&client));
    is_unavailable(&client.get("/api/jwks"));
    proxy.set(Fault::None);
    eventually("a key is made", || signs(&client).then_some(()));
    works(&client);
}

/// Settings with which a key is made, used and removed in a few seconds.
const IN_SECONDS: [(&str, &str); 7] = [
    ("JWT_ALGORITHM", "ES256"),
    ("JWKS_MAX_AGE", "1s"),
    ("VERIFIER_CACHE", "0"),
    ("CLOCK_SKEW", "0"),
    ("KEY_ROTATION", "8s"),
    ("JWT_EXPIRATION", "1s"),
    ("MAX_TOKEN_LIFETIME", "1s"),
];

#[test]
fn rotation_makes_a_second_key_and_ends_the_first() {
    let moto = Moto::shared();
    let folder = tempfile::tempdir().unwrap();
    let endpoint = moto.endpoint();
    let program = Program::start(folder.path(), &settings(&endpoint, &IN_SECONDS));
    let first = arn(folder.path(), 0).unwrap();
    let second = eventually("a second key is made", || arn(folder.path(), 1));
    assert_ne!(first, second);
    let describe =
        |arn: &str| moto.kms(REGION, "DescribeKey", &json!({ "KeyId": arn })).ok()["KeyMetadata"].clone();
    let ended = eventually("the first key ends", || {
        Some(describe(&first)).filter(|metadata| metadata["KeyState"] == "PendingDeletion")
    });
    assert_eq!(ended["Enabled"], false);
    assert_eq!(describe(&second)["KeyState"], "Enabled");
    eventually("its record forgets it", || arn(folder.path(), 0).is_none().then_some(()));
    // A token lives for a second here, and a busy machine may need longer to check it.
    eventually("a token of the second key is accepted", || is_accepted(&program.client()).then_some(()));
}

/// A ring can name any key of the account. Seen before: the service disabled and deleted every key that the ring named, when
/// its time was over (issue 11, row 1.13). Now it does this only to keys with the tag of this program.
#[test]
fn a_key_without_our_tag_is_left_alone_when_it_leaves_the_ring() {
    let moto = Moto::shared();
    let folder = tempfile::tempdir().unwrap();
    let endpoint = moto.endpoint();
    let program = Program::start(folder.path(), &settings(&endpoint, &IN_SECONDS));
    let first = arn(folder.path(), 0).unwrap();
    moto.kms(REGION, "UntagResource", &json!({ "KeyId": first, "TagKeys": ["jwt-generator"] })).ok();
    eventually("its record forgets it", || arn(folder.path(), 0).is_none().then_some(()));
    let metadata = moto.kms(REGION, "DescribeKey", &json!({ "KeyId": first })).ok()["KeyMetadata"].clone();
    assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("Enabled"), &json!(true)));
    let log = program.log();
    let told = log.lines().filter(|line| line.contains("does not have the tag") && line.contains(&first));
    assert_eq!(told.count(), 1, "{log}");
}

#[test]
fn eddsa_is_refused_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let mut command = jwt_generator(folder.path());
    command.env("PORT", "0").envs(settings(&nobody, &[("JWT_ALGORITHM", "EdDSA")]));
    let told = refused(&mut command, 1);
    let sentence = "AWS KMS has no Ed25519 signing by digest that makes the EdDSA of tokens: \
                    set JWT_ALGORITHM to RS256, PS256 or ES256";
    assert!(told.contains(sentence), "{told}");
}

#[test]
fn a_missing_region_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = jwt_generator(folder.path());
    command.env("PORT", "0").envs(USUAL);
    let told = refused(&mut command, 1);
    assert!(told.contains("no region is set for AWS: set AWS_REGION"), "{told}");
}

#[test]
fn a_key_signs_in_its_own_region() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Moto::shared().endpoint();
    drop(Program::start(folder.path(), &settings(&endpoint, &[("JWT_ALGORITHM", "ES256")])));
    let elsewhere = [("JWT_ALGORITHM", "ES256"), ("AWS_REGION", "us-east-1")];
    let program = Program::start(folder.path(), &settings(&endpoint, &elsewhere));
    works(&program.client());
    assert!(arn(folder.path(), 0).unwrap().starts_with("arn:aws:kms:eu-west-1:"));
}

#[test]
fn credentials_come_from_shared_files_and_web_identity() {
    let endpoint = Moto::shared().endpoint();
    let base = [&USUAL[..], &[("AWS_ENDPOINT_URL", endpoint.as_str()), ("JWT_ALGORITHM", "ES256")]].concat();

    // Without credentials, the service does not sign.
    let folder = tempfile::tempdir().unwrap();
    let none = [&base[..], &[("AWS_REGION", REGION)]].concat();
    assert!(!signs(&Program::start(folder.path(), &none).client()));

    // Without HOME, as in a container.
    let shared = folder.path().join("credentials");
    fs::write(&shared, "[tokens]\naws_access_key_id = file\naws_secret_access_key = file\n").unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "[profile tokens]\nregion = ap-south-1\n").unwrap();
    let files = [
        ("AWS_SHARED_CREDENTIALS_FILE", shared.to_str().unwrap()),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_PROFILE", "tokens"),
    ];
    let program = Program::start(folder.path(), &[&base[..], &files].concat());
    works(&program.client());
    assert!(arn(folder.path(), 0).unwrap().starts_with("arn:aws:kms:ap-south-1:"));

    // The key is made in the account of the role, so its credentials were used.
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "a token of the cluster").unwrap();
    let role = [
        ("AWS_REGION", REGION),
        ("AWS_ROLE_ARN", "arn:aws:iam::471147114711:role/tokens"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()),
    ];
    let program = Program::start(folder.path(), &[&base[..], &role].concat());
    works(&program.client());
    assert!(arn(folder.path(), 0).unwrap().starts_with("arn:aws:kms:eu-west-1:471147114711:"));
}

#[test]
fn no_credential_is_in_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = Moto::shared().endpoint();
    let secrets = [
        ("AWS_SECRET_ACCESS_KEY", "a-secret-access-key"),
        ("AWS_SESSION_TOKEN", "a-session-token"),
        ("JWT_ALGORITHM", "ES256"),
        ("LOG_LEVEL", "trace"),
    ];
    let program = Program::start(folder.path(), &settings(&endpoint, &secrets));
    let token = program.client().demo_token(&json!({}));
    let (_, log) = program.stop();
    assert!(log.contains("\"level\":\"TRACE\""), "the log is at its fullest");
    for text in ["a-secret-access-key", "a-session-token", "eyJ", token.as_str(), "\"target\":\"aws_"] {
        assert!(!log.contains(text), "the log holds {text}");
    }
}

#[test]
fn what_kms_refuses_is_told_from_what_it_cannot_do_now() {
    let moto = Moto::start();
    let endpoint = moto.endpoint();
    let es256 = settings(&endpoint, &[("JWT_ALGORITHM", "ES256")]);
    let keys = || moto.kms(REGION, "ListKeys", &json!({})).ok()["Keys"].as_array().unwrap().clone();

    // If the role may not sign with a new key, the key does not enter the ring and is deleted.
    let folder = tempfile::tempdir().unwrap();
    moto.refuse(&[("Sign", "AccessDeniedException")]);
    let mut command = jwt_generator(folder.path());
    let told = refused(command.env("PORT", "0").envs(es256.clone()), 1);
    assert!(told.contains("the keys' custody refused: Sign: AccessDeniedException"), "{told}");
    assert!(!folder.path().join("keys/ring.json").exists());
    let [left] = &keys()[..] else { panic!("{:?}", keys()) };
    let left = moto.kms(REGION, "DescribeKey", &json!({ "KeyId": left["KeyArn"] })).ok();
    assert_eq!(left["KeyMetadata"]["KeyState"], "PendingDeletion");

    // If a new key cannot be read, the next try uses the same key and makes no other.
    moto.refuse(&[("GetPublicKey", "KMSInternalException")]);
    let program = Program::start(folder.path(), &es256);
    let client = program.client();
    assert!(!signs(&client));
    moto.refuse(&[]);
    eventually("the key is there", || signs(&client).then_some(()));
    works(&client);
    assert_eq!(keys().len(), 2);

    // After too many calls, a later try succeeds. With a disabled key, no try succeeds, and the log says why.
    moto.refuse(&[("Sign", "ThrottlingException")]);
    is_unavailable(&generate(&client));
    moto.refuse(&[]);
    works(&client);
    let arn = arn(folder.path(), 0).unwrap();
    moto.kms(REGION, "DisableKey", &json!({ "KeyId": arn })).ok();
    generate(&client).is_refused(500, "internal", "Internal server error");
    let told = || program.log().contains("Sign: DisabledException: ");
    eventually("the log says why", || told().then_some(()));
    moto.kms(REGION, "EnableKey", &json!({ "KeyId": arn })).ok();
    works(&client);
}
