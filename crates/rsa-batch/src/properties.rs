//! The arithmetic against a big-integer crate, for any numbers; runs of limbs that are all zeros or all ones are likelier than by chance.

use std::array::from_fn;

use num_bigint::BigUint;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::carry::{Difference, MultiplyAdd, SubtractOnce};
use crate::field::{Field, zeros};
use crate::ifma::Ifma;
use crate::integer::{self, Constants, Limbs};
use crate::lanes::Processor;
use crate::line::{LANES, LIMB_BITS, LIMB_MASK, Line};
use crate::montgomery::Modulus;
use crate::portable::Portable;
use crate::spread;

/// A modulus and three numbers, for a lane.
type Given = Vec<Vec<u64>>;

fn given(limbs: usize) -> impl Strategy<Value = Vec<Given>> {
    let limb = prop_oneof![1 => Just(0), 1 => Just(LIMB_MASK), 4 => 0..=LIMB_MASK];
    vec(vec(vec(limb, limbs), 4), LANES)
}

struct Case<const N: usize> {
    n: [BigUint; LANES],
    modulus: Modulus<N>,
    /// Below `2·n`.
    a: [BigUint; LANES],
    b: [BigUint; LANES],
    /// Below `n`.
    c: [BigUint; LANES],
    r: BigUint,
}

impl<const N: usize> Case<N> {
    fn new(given: &[Given]) -> Self {
        let n = from_fn(|lane| {
            let mut limbs = given[lane][0].clone();
            limbs[0] |= 1;
            limbs[N - 1] = limbs[N - 1] >> 2 | 1;
            of_limbs(&limbs)
        });
        let number =
            |which: usize, times: u32| from_fn(|lane| of_limbs(&given[lane][which]) % (&n[lane] * times));
        let constants: [_; LANES] = from_fn(|lane| Constants::<N>::new(limbs(&n[lane])));
        let modulus = spread::modulus(constants.each_ref());
        Self {
            a: number(1, 2),
            b: number(2, 2),
            c: number(3, 1),
            modulus,
            r: BigUint::from(1_u8) << (N * 52),
            n,
        }
    }

    /// Checks a result: in each lane below `times·n`, and what `right` says, modulo `n`.
    fn check(&self, result: &[Line; N], times: u32, right: impl Fn(usize) -> BigUint) {
        for (lane, result) in big(result).iter().enumerate() {
            assert!(*result < &self.n[lane] * times);
            assert_eq!(result % &self.n[lane], right(lane) % &self.n[lane]);
        }
    }
}

fn of_limbs(limbs: &[u64]) -> BigUint {
    limbs.iter().rev().fold(BigUint::ZERO, |number, limb| (number << LIMB_BITS) + *limb)
}

fn limbs<const N: usize>(number: &BigUint) -> Limbs<N> {
    integer::from_bytes(&number.to_bytes_be())
}

fn lines<const N: usize>(numbers: &[BigUint; LANES]) -> [Line; N] {
    let limbs: [Limbs<N>; LANES] = from_fn(|lane| limbs(&numbers[lane]));
    spread::numbers(limbs.each_ref())
}

fn big<const N: usize>(lines: &[Line; N]) -> [BigUint; LANES] {
    let mask = |limb: &u64| assert!(*limb <= LIMB_MASK);
    from_fn(|lane| {
        let limbs = spread::lane(lines, lane);
        limbs.iter().for_each(mask);
        of_limbs(&limbs)
    })
}

fn montgomery<P: Processor, const N: usize>(processor: P, case: &Case<N>) {
    let (a, b, c) = (lines(&case.a), lines(&case.b), lines(&case.c));
    let mut field = Field::new(processor, &case.modulus);
    let mut result = zeros();
    let inverse: [_; LANES] = from_fn(|lane| case.r.modinv(&case.n[lane]).unwrap());
    field.multiply(&mut result, &a, &b);
    case.check(&result, 2, |lane| &case.a[lane] * &case.b[lane] * &inverse[lane]);
    field.reduce(&mut result, &b, &c);
    case.check(&result, 2, |lane| (&case.c[lane] * &case.r + &case.b[lane]) * &inverse[lane]);
    field.enter(&mut result, &a);
    case.check(&result, 2, |lane| &case.a[lane] * &case.r);
    field.leave(&mut result, &a);
    case.check(&result, 1, |lane| &case.a[lane] * &inverse[lane]);
    for times in 1..4 {
        let mut value = a;
        field.square(&mut value, times);
        case.check(&value, 2, |lane| {
            (0..times).fold(case.a[lane].clone(), |power, _| &power * &power * &inverse[lane] % &case.n[lane])
        });
    }
}

fn carries<P: Processor, const N: usize, const M: usize>(processor: P, case: &Case<N>) {
    let (a, b, c) = (lines(&case.a), lines(&case.b), lines(&case.c));
    let n = &case.modulus.n;
    let mut value = a;
    processor.run(SubtractOnce { value: &mut value, n });
    case.check(&value, 1, |lane| case.a[lane].clone());
    processor.run(Difference { result: &mut value, a: &c, b: &b, n });
    case.check(&value, 3, |lane| &case.c[lane] + &case.n[lane] * 2_u8 - &case.b[lane]);
    let mut product = [Line::ZERO; M];
    processor.run(MultiplyAdd { result: &mut product, a: &a, b: &b, c: &c });
    for (lane, product) in big(&product).iter().enumerate() {
        assert_eq!(*product, &case.a[lane] * &case.b[lane] + &case.c[lane]);
    }
}

fn powers<P: Processor, const N: usize>(processor: P, case: &Case<N>, exponents: &[Vec<u8>]) {
    let mut field = Field::new(processor, &case.modulus);
    let (mut base, mut power, mut result) = (zeros(), zeros(), zeros());
    field.enter(&mut base, &lines(&case.a));
    field.power(&mut power, &base, &spread::windows(from_fn(|lane| exponents[lane].as_slice())));
    field.leave(&mut result, &power);
    case.check(&result, 1, |lane| {
        let exponent =
            exponents[lane].iter().fold(BigUint::ZERO, |exponent, window| (exponent << 5) + *window);
        case.a[lane].modpow(&exponent, &case.n[lane])
    });
}

fn all<const N: usize, const M: usize>(given: &[Given], exponents: &[Vec<u8>]) {
    let case = Case::<N>::new(given);
    if let Some(processor) = Ifma::detect() {
        montgomery(processor, &case);
        carries::<_, N, M>(processor, &case);
        powers(processor, &case, exponents);
    }
    montgomery(Portable, &case);
    carries::<_, N, M>(Portable, &case);
    powers(Portable, &case, exponents);
}

fn exponents() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(0..32_u8, 3), LANES)
}

proptest! {
    #[test]
    fn arithmetic_of_1024_bits(given in given(20), exponents in exponents()) {
        all::<20, 40>(&given, &exponents);
    }

    #[test]
    fn arithmetic_of_1536_bits(given in given(30), exponents in exponents()) {
        all::<30, 60>(&given, &exponents);
    }

    #[test]
    fn arithmetic_of_2048_bits(given in given(40), exponents in exponents()) {
        all::<40, 80>(&given, &exponents);
    }

    #[test]
    fn bytes_become_limbs_and_bytes_again(bytes in vec(any::<u8>(), 0..130)) {
        let limbs: Limbs<20> = integer::from_bytes(&bytes);
        prop_assert_eq!(of_limbs(&limbs), BigUint::from_bytes_be(&bytes));
        let mut back = vec![0; bytes.len()];
        integer::to_bytes(&limbs, &mut back);
        prop_assert_eq!(back, bytes);
    }

    #[test]
    fn windows_make_up_the_exponent(exponent in vec(0..=LIMB_MASK, 19)) {
        let windows = integer::windows(&exponent, 19 * 52);
        let number = windows.iter().fold(BigUint::ZERO, |number, window| (number << 5) + *window);
        prop_assert_eq!(number, of_limbs(&exponent));
    }

    #[test]
    fn numbers_are_compared_and_multiplied(given in given(20), small in 0..=LIMB_MASK) {
        let [a, b]: [Limbs<20>; 2] = [0, 1].map(|which| from_fn(|limb| given[0][which][limb]));
        let (big_a, big_b) = (of_limbs(&a), of_limbs(&b));
        prop_assert_eq!(integer::is_below(&a, &b), big_a < big_b);
        prop_assert_eq!(integer::difference(&a, &b) == 0, big_a == big_b);
        prop_assert_eq!(of_limbs(&integer::product::<20, 40>(&a, &b)), &big_a * big_b);
        if big_a >= BigUint::from(small) {
            prop_assert_eq!(of_limbs(&integer::minus(&a, small)), big_a - small);
        }
    }
}
