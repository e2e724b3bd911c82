//! The `keys` commands, on each custody that this machine has, with and without a server beside them.

use std::fs;
use std::path::Path;
use std::process::Command;

use jose::{Jwk, JwkSet, VerifyingKey};
use serde_json::{Value, json};

use super::custody::SEALING_KEY;
use super::rotation::kid_of;
use crate::support::{
    Moto, Program, eventually, folder_with_keys, jwt_generator, mongod, original_keys, refused, repository,
    run, unique,
};

const OTHER_KEY: &str = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY=";

/// A folder and the settings of a custody.
struct Place {
    folder: tempfile::TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Place {
    fn new(settings: &[(&'static str, &str)]) -> Self {
        let mut all: Vec<_> = settings.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        all.extend([
            ("JWT_ALGORITHM", "ES256".to_owned()),
            ("BCRYPT_ROUNDS", "4".to_owned()),
            ("KEY_REFRESH", "1s".to_owned()),
        ]);
        Self { folder: tempfile::tempdir().unwrap(), settings: all }
    }

    /// Keys in a secret of AWS, which is moto.
    fn in_a_secret() -> Self {
        let (endpoint, secret) = (Moto::shared().endpoint(), unique("keys/of-"));
        Self::new(&[
            ("KEYS_SECRET", &secret),
            ("SKIP_DATABASE", "true"),
            ("AWS_ENDPOINT_URL", &endpoint),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ])
    }

    fn all() -> [Self; 4] {
        let uri = mongod::new_database();
        [
            Self::in_a_secret(),
            Self::new(&[]),
            Self::new(&[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]),
            Self::new(&[("MONGODB_URI", &uri), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]),
        ]
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.settings.retain(|(set, _)| *set != name);
        self.settings.push((name, value.to_owned()));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = jwt_generator(self.path());
        command.envs(self.settings()).env("LOG_LEVEL", "error").args(arguments);
        command
    }

    #[track_caller]
    fn told(&self, arguments: &[&str]) -> Value {
        let text = run(self.command(arguments).arg("--json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> String {
        refused(&mut self.command(arguments), code)
    }

    fn start(&self) -> Program {
        Program::start(self.path(), &self.settings())
    }

    /// Kids by state.
    fn kids(&self, state: &str) -> Vec<String> {
        let list = self.told(&["keys", "list"]);
        let keys = list["keys"].as_array().unwrap().iter().filter(|key| key["state"] == state);
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_key_is_begun_rotated_and_revoked_beside_a_running_server() {
    for place in Place::all() {
        assert!(place.refused(1, &["keys", "list"]).contains("`keys generate` makes one"));
        assert_eq!(place.told(&["keys", "generate"])["kid"], "default-key-id");
        assert!(place.refused(1, &["keys", "generate"]).contains("there is a key in"));
        let program = place.start();
        let client = program.client();
        let old = client.demo_token(&json!({}));

        let rotated = place.told(&["keys", "rotate"]);
        let next = place.kids("published").remove(0);
        assert_eq!(
            (rotated["active"].as_str(), rotated["published"].as_str()),
            (Some("default-key-id"), Some(&*next))
        );
        assert!(place.refused(1, &["keys", "rotate"]).contains("is published already"));
        eventually("the server publishes it", || {
            (client.get("/api/jwks").ok()["keys"].as_array().unwrap().len() == 2).then_some(())
        });
        assert_eq!(kid_of(&client.demo_token(&json!({}))), "default-key-id", "it waits for its turn");

        let asked = place.refused(2, &["keys", "rotate", "--now"]);
        assert!(asked.contains("at most 1 d 2 h later") && asked.contains("--yes"), "{asked}");
        place.told(&["keys", "rotate", "--now", "--yes"]);
        eventually("the server signs with it", || {
            (kid_of(&client.demo_token(&json!({}))) == next).then_some(())
        });
        assert_eq!(client.post("/api/token/validate", &json!({ "token": old })).status, 200);

        assert!(
            place.refused(1, &["keys", "revoke", "unknown", "--yes"]).contains("there is no key unknown")
        );
        let asked = place.refused(2, &["keys", "revoke", "default-key-id"]);
        assert!(asked.contains("here within 4 s") && asked.contains("Users must log in again"), "{asked}");
        place.told(&["keys", "revoke", "default-key-id", "--yes"]);
        eventually("the server refuses its tokens", || {
            (client.post("/api/token/validate", &json!({ "token": old })).status == 401).then_some(())
        });
        client.post("/api/token/validate", &json!({ "token": old })).refuses_token("unknown_key");

        // The key that signs is revoked: another signs at once.
        place.told(&["keys", "revoke", &next, "--yes"]);
        let successor = eventually("a third key signs", || {
            let kid = kid_of(&client.demo_token(&json!({})));
            (kid != next).then_some(kid)
        });
        assert_eq!(place.kids("active"), [successor.as_str()]);
        assert!(
            place.refused(1, &["keys", "revoke", &next, "--yes"]).contains("has left the key set already")
        );
        place.told(&["keys", "prune"]);
        assert_eq!(place.kids("removed"), Vec::<String>::new());
        let set: JwkSet = serde_json::from_value(place.told(&["keys", "export", "--public"])).unwrap();
        assert_eq!(set.keys.iter().map(|key| key.kid().unwrap()).collect::<Vec<_>>(), [successor]);
    }
}

#[test]
fn the_tables_and_the_picture_are_for_people() {
    let place = Place::new(&[]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "rotate"]);
    let list = run(&mut place.command(&["keys", "list"]));
    for words in
        ["  ES256  active     age ", "default-key-id", "signs since", "published", "signs from", "next: "]
    {
        assert!(list.contains(words), "{words:?} is missing in:\n{list}");
    }
    let plan = run(&mut place.command(&["keys", "plan"]));
    for words in
        ["30 d", "1 d 2 h", "-|#", "(to come)", "The next 90 days:", "leaves the key set", "2 x 1 min"]
    {
        assert!(plan.contains(words), "{words:?} is missing in:\n{plan}");
    }
    let off = run(place.command(&["keys", "list"]).env("KEY_ROTATION", "off"));
    assert!(off.contains("next: "), "{off}");
}

#[test]
fn keys_come_in_from_elsewhere_in_any_form_and_state() {
    let data = |file: &str| super::folder::vector(file).display().to_string();
    for place in Place::all() {
        place.told(&["keys", "generate"]);
        let pem = original_keys().join("private-key.pem").display().to_string();
        assert!(
            place.told(&["keys", "import", &pem, "--state", "retired"])["done"]
                .as_str()
                .unwrap()
                .contains("verifies")
        );
        assert!(place.refused(1, &["keys", "import", &pem]).contains("is in the ring already"));
        // A JWK with its private members, made by another library.
        let jwk = place.path().join("key.jwk");
        let make = "const { generateKeyPair, exportJWK } = await import('jose');\
            const pair = await generateKeyPair(process.argv[1], { extractable: true, crv: process.argv[2] });\
            console.log(JSON.stringify({ ...await exportJWK(pair.privateKey), kid: process.argv[3], alg: process.argv[1] }))";
        for (algorithm, curve) in [("RS256", ""), ("ES256", "P-256"), ("EdDSA", "Ed25519")] {
            let kid = format!("from-jose-{algorithm}");
            let mut node = Command::new("node");
            node.args(["--input-type=module", "--eval", make, algorithm, curve, &kid]);
            fs::write(&jwk, run(node.current_dir(repository().join("tests/foreign/node")))).unwrap();
            place.told(&["keys", "import", jwk.to_str().unwrap(), "--state", "retired"]);
            let public = place.told(&["keys", "export", "--public", &kid]);
            let public: Jwk = serde_json::from_value(public["keys"][0].clone()).unwrap();
            let private = place.told(&["keys", "export", "--private", &kid])["private_key"]
                .as_str()
                .unwrap()
                .to_owned();
            let alg = algorithm.parse().unwrap();
            let private = jose::SigningKey::from_pem(alg, &private).unwrap();
            assert_eq!(*private.verifying_key(), VerifyingKey::from_jwk(&public).unwrap(), "{algorithm}");
        }
        // Public keys only verify.
        let set = place.path().join("set.json");
        fs::write(&set, place.told(&["keys", "export", "--public"]).to_string()).unwrap();
        let other = Place::new(&[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
        other.told(&["keys", "import", &data("rsa_2048.pem"), "--state", "active", "--kid", "mine"]);
        assert_eq!(other.kids("active"), ["mine"]);
        let several = other.refused(2, &["keys", "import", set.to_str().unwrap()]);
        assert!(several.contains("several keys"), "{several}");
        run(&mut other.command(&["keys", "import", set.to_str().unwrap(), "--state", "retired"]));
        assert_eq!(other.kids("retired").len(), 5);
        let program = place.start();
        let elsewhere = other.start();
        let token = program.client().demo_token(&json!({}));
        assert_eq!(elsewhere.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
        assert!(
            other
                .refused(1, &["keys", "export", "--private", "default-key-id"])
                .contains("has no private half")
        );
        for (file, code, says) in [
            (data("rsa_1024.pem"), 2, "at least 2048 are needed"),
            (data("certificate.pem"), 2, "is not a key"),
            ("/nonexistent".to_owned(), 2, "cannot read /nonexistent"),
        ] {
            assert!(place.refused(code, &["keys", "import", &file]).contains(says), "{file}");
        }
        let stranger = place.path().join("public.pem");
        fs::copy(data("rsa_2048_public.pem"), &stranger).unwrap();
        assert!(
            place.refused(1, &["keys", "import", stranger.to_str().unwrap()]).contains("it can only verify")
        );
    }
}

#[test]
fn sealing_keys_are_changed_without_a_gap() {
    for custody in ["sqlite", "mongodb"] {
        let uri = mongod::new_database();
        let mut place = match custody {
            "sqlite" => Place::new(&[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]),
            _ => Place::new(&[("MONGODB_URI", &uri), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]),
        };
        let made = run(&mut place.command(&["keys", "secret"]));
        assert_eq!(made.trim().len(), 44);
        place.told(&["keys", "generate"]);
        place.told(&["keys", "rotate"]);
        let before = place.told(&["keys", "export", "--public"]);

        place.set("KEY_ENCRYPTION_KEY", OTHER_KEY);
        for arguments in [&["serve"][..], &["keys", "list"], &["keys", "reseal"]] {
            let told = refused(place.command(arguments).env("PORT", "0"), 1);
            assert!(
                told.contains("sealed with another KEY_ENCRYPTION_KEY") && !told.contains(OTHER_KEY),
                "{told}"
            );
        }
        place.set("KEY_ENCRYPTION_KEY", &format!("{OTHER_KEY},{SEALING_KEY}"));
        assert_eq!(place.told(&["keys", "export", "--public"]), before, "nothing was harmed");
        assert_eq!(place.told(&["keys", "reseal"])["resealed"], 2);
        place.set("KEY_ENCRYPTION_KEY", OTHER_KEY);
        assert_eq!(place.told(&["keys", "export", "--public"]), before);
        place.start().client().demo_token(&json!({}));
        place.settings.retain(|(name, _)| *name != "KEY_ENCRYPTION_KEY");
        place.set("KEY_CUSTODY", "directory");
        assert!(place.refused(1, &["keys", "reseal"]).contains("there is nothing to seal"));
    }
}

#[test]
fn a_ring_moves_to_the_database_and_back_and_no_token_notices() {
    let uri = mongod::new_database();
    let mut place = Place::new(&[("MONGODB_URI", &uri)]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "rotate"]);
    let keys = place.told(&["keys", "export", "--public"]);
    let old = place.start();
    let token = old.client().demo_token(&json!({}));
    place.set("KEY_CUSTODY", "directory");
    place.set("KEY_ENCRYPTION_KEY", SEALING_KEY);
    assert!(
        place
            .refused(2, &["keys", "move", "--to", "directory"])
            .contains("--to directory: the keys are in this custody already")
    );
    let told = run(&mut place.command(&["keys", "move", "--to", "database"]));
    assert!(told.contains("Restart every server with KEY_CUSTODY=database"), "{told}");
    assert!(
        place
            .refused(1, &["keys", "rotate", "--now", "--yes"])
            .contains("have moved: set KEY_CUSTODY=database")
    );

    // Servers that still use the old custody continue. Both groups accept each other's tokens.
    let still = old.client().demo_token(&json!({}));
    place.set("KEY_CUSTODY", "database");
    let new = place.start();
    for token in [&token, &still] {
        assert_eq!(new.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
    }
    assert_eq!(place.told(&["keys", "export", "--public"]), keys);
    let fresh = new.client().demo_token(&json!({}));
    assert_eq!(old.client().post("/api/token/validate", &json!({ "token": fresh })).status, 200);
    drop((old, new));

    assert!(place.told(&["keys", "move", "--to", "directory"])["moved"] == 2);
    place.set("KEY_CUSTODY", "directory");
    let back = place.start();
    assert_eq!(back.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
    assert_eq!(place.told(&["keys", "export", "--public"]), keys);
}

/// Seen: `KEY_CUSTODY="foo" (from the environment)` and `VAULT_ADDR="" (from the environment)`, though neither was there.
#[test]
fn a_move_that_cannot_be_names_its_option_and_what_is_missing() {
    let place = Place::new(&[("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    place.told(&["keys", "generate"]);
    let told = place.refused(2, &["keys", "move", "--to", "foo"]);
    assert!(
        told.contains("invalid value 'foo' for '--to <CUSTODY>'")
            && told.contains("[possible values: directory, database, aws-kms, aws-secrets-manager, vault]"),
        "{told}"
    );
    let told = place.refused(2, &["keys", "move", "--to", "vault"]);
    assert!(
        told.contains("--to vault: ")
            && told.contains("VAULT_ADDR is not set: it is needed with KEY_CUSTODY=vault")
            && !told.contains("from the environment"),
        "{told}"
    );
}

/// Seen: `file`, `pem` and `sealed` beside the names that `KEY_CUSTODY` has, and 1970 for an instant that is not known.
#[test]
fn json_spells_a_custody_as_the_setting_does_and_has_no_instant_of_1970() {
    for (place, custody) in
        Place::all().iter().zip(["aws-secrets-manager", "directory", "database", "database"])
    {
        place.told(&["keys", "generate"]);
        let list = place.told(&["keys", "list"]);
        assert_eq!((&list["custody"], &list["keys"][0]["custody"]), (&json!(custody), &json!(custody)));
        let plan = place.told(&["keys", "plan"]);
        assert!(!plan.to_string().contains("1970-") && !list.to_string().contains("1970-"), "{plan} {list}");
    }
}

#[test]
fn a_key_that_is_published_after_a_move_waits_for_those_that_have_not_followed() {
    let mut place = Place::new(&[("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "move", "--to", "database"]);
    place.set("KEY_CUSTODY", "database");
    place.told(&["keys", "rotate"]);
    let (list, plan) = (place.told(&["keys", "list"]), place.told(&["keys", "plan"]));
    assert_eq!(list["keys"][1]["activates_at"], plan["kept_until"]);
}

#[test]
fn the_database_begins_with_the_keys_of_the_folder_and_the_originals_key_stays() {
    let folder = folder_with_keys();
    let settings = [("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY), ("BCRYPT_ROUNDS", "4")];
    let program = Program::start(folder.path(), &settings);
    let public = fs::read_to_string(original_keys().join("public-key.pem")).unwrap();
    assert_eq!(program.client().get("/api/public-key").text(), public);
    assert!(program.log().contains("KEY_ROTATION=30d replaces it"), "{}", program.log());

    let place = Place::new(&[]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "rotate"]);
    let keys = place.told(&["keys", "export", "--public"]);
    let settings =
        [("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY), ("JWT_ALGORITHM", "ES256")];
    let program = Program::start(place.path(), &settings);
    assert_eq!(program.client().get("/api/jwks").ok(), keys);
    assert!(place.refused(1, &["keys", "rotate"]).contains("have moved: set KEY_CUSTODY=database"));
}

#[test]
fn a_key_that_is_there_already_is_refused_and_stays_whole() {
    for place in Place::all() {
        place.told(&["keys", "generate"]);
        let private = place.path().join("mine.pem");
        fs::write(&private, run(&mut place.command(&["keys", "export", "--private"]))).unwrap();
        let told = place.refused(1, &["keys", "import", private.to_str().unwrap()]);
        assert!(told.contains("is in the ring already"), "{told}");
        place.told(&["token", "mint"]);
    }
}

#[test]
fn one_key_under_two_names_comes_in_as_one() {
    let (from, to) = (Place::new(&[("KEY_ID", "mine")]), Place::new(&[("KEY_ID", "other")]));
    fs::create_dir(from.path().join("keys")).unwrap();
    for name in ["private-key.pem", "public-key.pem"] {
        fs::copy(original_keys().join(name), from.path().join("keys").join(name)).unwrap();
    }
    let set = from.told(&["keys", "export", "--public"]);
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
    let file = to.path().join("set.json");
    fs::write(&file, set.to_string()).unwrap();
    to.told(&["keys", "generate"]);
    to.told(&["keys", "import", file.to_str().unwrap(), "--state", "retired"]);
    assert_eq!(to.kids("retired"), ["mine"]);
    let set = to.told(&["keys", "export", "--public"]);
    let kids: Vec<_> = set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
    assert_eq!(kids, ["other", "mine", "default-key-id"]);
}

#[test]
fn a_key_that_was_published_before_a_move_waits_until_all_servers_have_followed() {
    let mut place =
        Place::new(&[("KEY_ENCRYPTION_KEY", SEALING_KEY), ("JWKS_MAX_AGE", "1s"), ("VERIFIER_CACHE", "0")]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "rotate"]);
    let moved = place.told(&["keys", "move", "--to", "database"]);
    assert!(
        place
            .refused(1, &["token", "mint", "--expires-in", "1y"])
            .contains("have moved: set KEY_CUSTODY=database")
    );
    place.set("KEY_CUSTODY", "database");
    let list = place.told(&["keys", "list"]);
    assert_eq!(
        list["keys"][1]["activates_at"], moved["until"],
        "until then servers of the old custody sign with the old key"
    );
}

#[test]
fn a_key_of_another_size_stays_unless_a_size_is_asked_for() {
    let mut place = Place::new(&[("SKIP_DATABASE", "true"), ("KEY_ROTATION", "off")]);
    place.set("JWT_ALGORITHM", "RS256");
    place.set("KEY_BITS", "3072");
    place.told(&["keys", "generate"]);
    place.settings.retain(|(name, _)| *name != "KEY_BITS");
    drop(place.start());
    assert_eq!(place.kids("published"), Vec::<String>::new());
    place.set("KEY_BITS", "2048");
    drop(place.start());
    let list = place.told(&["keys", "list"]);
    assert_eq!(
        (list["keys"][1]["state"].as_str(), list["keys"][1]["bits"].as_u64()),
        (Some("published"), Some(2048))
    );
}

#[test]
fn a_lost_ring_begins_anew_with_its_key_under_both_its_names() {
    let place = Place::new(&[("SKIP_DATABASE", "true")]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "rotate", "--now", "--yes"]);
    let program = place.start();
    let token = program.client().demo_token(&json!({}));
    drop(program);
    fs::remove_file(place.path().join("keys/ring.json")).unwrap();
    let program = place.start();
    assert_eq!(program.client().post("/api/token/validate", &json!({ "token": token })).status, 200);
    assert_eq!(kid_of(&program.client().demo_token(&json!({}))), "default-key-id");
}

#[test]
fn an_order_with_shorter_settings_waits_for_those_that_the_key_set_was_served_under() {
    let place = Place::new(&[]);
    place.told(&["keys", "generate"]);
    let mut hasty = place.command(&["keys", "rotate"]);
    run(hasty.envs([("JWKS_MAX_AGE", "1s"), ("VERIFIER_CACHE", "0"), ("CLOCK_SKEW", "0")]));
    let keys = place.told(&["keys", "list"])["keys"].clone();
    let waits =
        super::settings::secs(&keys[1]["activates_at"]) - super::settings::secs(&keys[1]["published_at"]);
    assert!(waits >= 86_400 + 7_200, "it waits {waits} s");
}

#[test]
fn a_move_that_is_ordered_again_undoes_nothing() {
    let mut place = Place::new(&[("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    place.told(&["keys", "generate"]);
    let first = place.told(&["keys", "move", "--to", "database"]);
    place.set("KEY_CUSTODY", "database");
    place.told(&["keys", "revoke", "default-key-id", "--yes"]);
    let active = place.kids("active");
    place.set("KEY_CUSTODY", "directory");
    assert_eq!(place.told(&["keys", "move", "--to", "database"])["until"], first["until"]);
    place.set("KEY_CUSTODY", "database");
    assert_eq!((place.kids("active"), place.kids("removed")), (active, vec!["default-key-id".to_owned()]));
}

#[test]
fn a_folder_whose_ring_was_taken_over_is_marked_at_the_next_start_too() {
    let mut place = Place::new(&[]);
    place.told(&["keys", "generate"]);
    let unmarked = fs::read(place.path().join("keys/ring.json")).unwrap();
    place.set("KEY_CUSTODY", "database");
    place.set("KEY_ENCRYPTION_KEY", SEALING_KEY);
    drop(place.start());
    // As if the machine had stopped before the mark was written.
    fs::write(place.path().join("keys/ring.json"), unmarked).unwrap();
    drop(place.start());
    place.set("KEY_CUSTODY", "directory");
    assert!(place.refused(1, &["keys", "rotate"]).contains("have moved: set KEY_CUSTODY=database"));
}

#[test]
fn a_key_that_comes_back_is_not_destroyed_with_the_one_that_was_revoked() {
    let place = Place::new(&[("SKIP_DATABASE", "true")]);
    place.told(&["keys", "generate"]);
    let file = place.path().join("mine.pem");
    fs::write(&file, run(&mut place.command(&["keys", "export", "--private"]))).unwrap();
    place.told(&["keys", "revoke", "default-key-id", "--yes"]);
    let import = ["keys", "import", file.to_str().unwrap(), "--kid", "again", "--state", "active", "--yes"];
    let told = place.refused(1, &import);
    assert!(told.contains("is in the ring already"), "its private half is still to be destroyed: {told}");
    place.told(&["keys", "prune"]);
    place.told(&import);
    drop(place.start());
    place.told(&["token", "mint"]);
}

#[test]
fn a_key_that_was_revoked_does_not_move() {
    let mut place = Place::new(&[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "revoke", "default-key-id", "--yes"]);
    place.told(&["keys", "move", "--to", "directory"]);
    let ring = fs::read_to_string(place.path().join("keys/ring.json")).unwrap();
    assert!(!ring.contains("PRIVATE KEY") && ring.contains("default-key-id"), "{ring}");
    place.set("KEY_CUSTODY", "directory");
    place.told(&["keys", "prune"]);
    assert_eq!(place.kids("removed"), Vec::<String>::new());
}

#[test]
fn a_ring_goes_back_to_the_folder_though_its_first_key_is_forgotten() {
    let mut place = Place::new(&[("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    place.told(&["keys", "generate"]);
    place.told(&["keys", "move", "--to", "database"]);
    place.set("KEY_CUSTODY", "database");
    place.told(&["keys", "revoke", "default-key-id", "--yes"]);
    place.told(&["keys", "prune"]);
    place.told(&["keys", "move", "--to", "directory"]);
    place.set("KEY_CUSTODY", "directory");
    let program = place.start();
    assert_eq!(kid_of(&program.client().demo_token(&json!({}))), place.kids("active")[0]);
}

#[test]
fn a_key_made_for_a_ring_that_is_long_gone_is_not_taken_up() {
    let place = Place::new(&[("SKIP_DATABASE", "true")]);
    let old = place.told(&["keys", "generate"])["thumbprint"].clone();
    let keys = place.path().join("keys");
    for name in ["ring.json", "private-key.pem", "public-key.pem"] {
        fs::remove_file(keys.join(name)).unwrap();
    }
    let hour_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(super::rotation::now() - 3_600);
    let file = keys.join(format!("key-{}.pem", old.as_str().unwrap()));
    fs::File::options().write(true).open(&file).unwrap().set_modified(hour_ago).unwrap();
    assert_ne!(place.told(&["keys", "generate"])["thumbprint"], old);
}

#[test]
fn keys_of_a_folder_go_to_a_secret_and_no_token_notices() {
    let mut place = Place::in_a_secret();
    place.set("KEY_CUSTODY", "directory");
    place.told(&["keys", "generate"]);
    let program = place.start();
    let token = json!({ "token": program.client().demo_token(&json!({})) });
    assert_eq!(place.told(&["keys", "move", "--to", "aws-secrets-manager"])["moved"], 1);
    drop(program);
    place.set("KEY_CUSTODY", "aws-secrets-manager");
    fs::remove_dir_all(place.path().join("keys")).unwrap();
    let program = place.start();
    assert_eq!(program.client().post("/api/token/validate", &token).status, 200);
    assert_eq!(kid_of(&program.client().demo_token(&json!({}))), "default-key-id");
}

/// A secret of another program is not a ring. The service does not change it, and shows no part of it.
#[test]
fn a_secret_of_another_kind_is_refused_and_stays_as_it_is() {
    let place = Place::in_a_secret();
    let (_, name) = place.settings.iter().find(|(name, _)| *name == "KEYS_SECRET").unwrap().clone();
    for value in ["hunter2", "{\"password\":\"hunter2\"}", "[\"hunter2\"]"] {
        let secret = json!({ "Name": name, "SecretString": value });
        let call = if value == "hunter2" { "CreateSecret" } else { "PutSecretValue" };
        let secret = if call == "PutSecretValue" {
            json!({ "SecretId": name, "SecretString": value })
        } else {
            secret
        };
        Moto::shared().secrets("eu-west-1", call, &secret).ok();
        for arguments in [&["keys", "generate"][..], &["serve"]] {
            let told = place.refused(1, arguments);
            assert!(told.contains("is not a ring of keys") && told.contains(&name), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        let now = Moto::shared().secrets("eu-west-1", "GetSecretValue", &json!({ "SecretId": name })).ok();
        assert_eq!(now["SecretString"], value);
    }
}

/// A thumbprint is in base64url, so one in 64 begins with a hyphen.
#[test]
fn a_kid_that_begins_with_a_hyphen_is_a_kid_like_another() {
    let place = Place::new(&[("SKIP_DATABASE", "true"), ("KEY_ID", "-II4KH_TNhmi")]);
    place.told(&["keys", "generate"]);
    let export = run(&mut place.command(&["keys", "export", "--public", "-II4KH_TNhmi"]));
    assert!(export.contains("-II4KH_TNhmi"), "{export}");
    assert!(place.refused(1, &["keys", "revoke", "-lost", "--yes"]).contains("-lost"));
    place.told(&["keys", "revoke", "-II4KH_TNhmi", "--yes"]);
    assert_eq!(place.kids("removed"), ["-II4KH_TNhmi"]);
}

#[test]
fn one_ring_for_two_custodies_needs_no_move() {
    let place = Place::new(&[("KEY_CUSTODY", "database"), ("KEY_ENCRYPTION_KEY", SEALING_KEY)]);
    place.told(&["keys", "generate"]);
    let told = place.refused(1, &["keys", "move", "--to", "aws-kms"]);
    assert!(told.contains("it serves aws-kms as well: set KEY_CUSTODY to it"), "{told}");
}
