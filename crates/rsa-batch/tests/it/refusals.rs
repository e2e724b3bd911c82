//! Jobs that the crate refuses.

use jose::Algorithm;
use num_bigint::BigUint;
use rsa_batch::{
    Batch, BatchError, KeyError, NoRandomness, PrivateJob, PrivateKey, PrivateNumbers, PublicKey, Random,
};

use crate::support::{generate, of_primes, private, public};

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let (key, own) = generate(Algorithm::Rs256, 2048);
    let n = key.rsa_numbers().unwrap().n;
    let batch = Batch::portable();
    assert_eq!(private(batch, &[(&own, &n)]), Err(BatchError::Input));
    assert_eq!(private(batch, &[(&own, &n[1..])]), Err(BatchError::Input));
    assert_eq!(private(batch, &[(&own, &[0; 256]), (&own, &[0xFF; 256])]), Err(BatchError::Input));
    let public_key = PublicKey::new(&n).unwrap();
    assert_eq!(public(batch, &[(&public_key, &n)]), Err(BatchError::Input));
    let mut short = [0; 255];
    let mut jobs = [PrivateJob { key: &own, input: &[0; 256], output: &mut short }];
    assert_eq!(batch.private(&mut jobs, &mut crate::support::System), Err(BatchError::Input));
}

#[test]
fn nine_jobs_and_mixed_sizes_are_refused_and_no_job_is_done() {
    let (_, small) = generate(Algorithm::Rs256, 2048);
    let (_, large) = generate(Algorithm::Rs256, 3072);
    let batch = Batch::portable();
    assert_eq!(private(batch, &[(&small, &[0; 256][..]); 9]), Err(BatchError::TooMany));
    assert_eq!(private(batch, &[(&small, &[0; 256]), (&large, &[0; 384])]), Err(BatchError::MixedSizes));
    assert_eq!(private(batch, &[]), Ok(Vec::new()));
}

#[test]
fn no_operation_goes_without_blinding() {
    struct Empty;
    impl Random for Empty {
        fn fill(&mut self, _: &mut [u8]) -> Result<(), NoRandomness> {
            Err(NoRandomness)
        }
    }
    let (_, key) = generate(Algorithm::Rs256, 2048);
    let mut output = [0; 256];
    let mut jobs = [PrivateJob { key: &key, input: &[1; 256], output: &mut output }];
    assert_eq!(Batch::portable().private(&mut jobs, &mut Empty), Err(BatchError::NoRandomness(NoRandomness)));
    assert_eq!(output, [0; 256]);
}

#[test]
fn numbers_that_make_no_key_are_refused() {
    let one = BigUint::from(1_u8);
    let (p, q) = ((&one << 1024) - 105_u32, (&one << 1024) - 179_u32);
    let (_, n) = of_primes(&p, &q);
    let (n, p, q) = (n.to_bytes_be(), p.to_bytes_be(), q.to_bytes_be());
    let good = PrivateNumbers { n: &n, p: &p, q: &q, dp: &[3], dq: &[3], q_inverse: &[3] };
    let refused = |numbers: PrivateNumbers<'_>| PrivateKey::new(&numbers).unwrap_err();
    assert!(PrivateKey::new(&good).is_ok());
    assert_eq!(refused(PrivateNumbers { n: &n[1..], ..good }), KeyError::Size);
    assert_eq!(refused(PrivateNumbers { n: &[], ..good }), KeyError::Size);
    assert_eq!(refused(PrivateNumbers { p: &p[1..], ..good }), KeyError::Size);
    assert_eq!(refused(PrivateNumbers { p: &q, ..good }), KeyError::Numbers);
    assert_eq!(refused(PrivateNumbers { dp: &n, ..good }), KeyError::Numbers);
    let even = [&n[..255], &[2]].concat();
    assert_eq!(refused(PrivateNumbers { n: &even, ..good }), KeyError::Numbers);
    assert_eq!(PublicKey::new(&even).unwrap_err(), KeyError::Numbers);
    assert_eq!(PublicKey::new(&[0; 256]).unwrap_err(), KeyError::Numbers);
    assert_eq!(PublicKey::new(&n[..128]).unwrap_err(), KeyError::Size);
}

#[test]
fn debug_tells_sizes_alone() {
    let (_, key) = generate(Algorithm::Rs256, 2048);
    assert_eq!(format!("{key:?}"), "PrivateKey(2048)");
}
