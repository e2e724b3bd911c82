//! The portable lanes under valgrind's memcheck: it follows undefined bits through all arithmetic, and reports each branch and each
//! address that depends on one.

use rsa_batch::proof::Leak;

use super::child::{Watcher, command, secrets};

const BRANCH: &str = "Conditional jump or move depends on uninitialised value";
const ADDRESS: &str = "Use of uninitialised value";

/// What memcheck says of a private operation.
fn report(bits: u32, leak: Option<Leak>) -> String {
    let valgrind = ["valgrind", "--tool=memcheck", "--error-exitcode=99", "--num-callers=5"];
    let output = command(&valgrind, Watcher::Memcheck, &secrets(bits), leak).output().expect("valgrind");
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(String::from_utf8_lossy(&output.stdout).contains("the child has signed"), "{report}");
    assert_eq!(output.status.success(), report.contains("ERROR SUMMARY: 0 errors"), "{report}");
    report
}

#[test]
fn memcheck_finds_no_branch_and_no_address_that_depends_on_a_secret() {
    for bits in [2048, 3072, 4096] {
        let report = report(bits, None);
        assert!(report.contains("ERROR SUMMARY: 0 errors"), "{report}");
    }
}

#[test]
fn memcheck_finds_a_branch_that_depends_on_a_secret() {
    assert!(report(2048, Some(Leak::Branch)).contains(BRANCH));
}

#[test]
fn memcheck_finds_an_address_that_depends_on_a_secret() {
    let report = report(2048, Some(Leak::Address));
    assert!(report.contains(ADDRESS));
    assert!(!report.contains(BRANCH), "{report}");
}
