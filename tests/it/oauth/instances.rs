//! Several instances on one database: each learns of a revocation, and answers from memory while the database is away.

use serde_json::json;

use super::introspection::introspected;
use super::{ask, machine, own_token};
use crate::clients::SECRET;
use crate::support::{Client, Program, eventually, mongod};

#[test]
fn a_revocation_reaches_three_instances_within_a_refresh() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clients.json");
    std::fs::write(&file, json!([machine("orders", &json!({}))]).to_string()).unwrap();
    let uri = mongod::new_database();
    let settings = [
        ("MONGODB_URI", uri.as_str()),
        ("CLIENTS_FILE", file.to_str().unwrap()),
        ("ISSUER_URL", "https://auth.example.com"),
        ("KEY_REFRESH", "1s"),
    ];
    let programs: Vec<_> = (0..3).map(|_| Program::start(folder.path(), &settings)).collect();
    let clients: Vec<Client> =
        programs.iter().map(|program| program.client().with_secret("orders", SECRET)).collect();
    let token = own_token(&clients[0]);
    for client in &clients {
        assert_eq!(introspected(client, &token)["active"], json!(true));
    }
    assert_eq!(ask(&clients[1], "/oauth/revoke", &[("token", &token)]).status, 200);
    assert_eq!(
        introspected(&clients[1], &token)["active"],
        json!(false),
        "its own revocations count at once"
    );
    for client in &clients {
        eventually("the revocation", || {
            (introspected(client, &token)["active"] == json!(false)).then_some(())
        });
    }
}
