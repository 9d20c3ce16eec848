use super::*;
use proptest::prelude::*;

/// The RFCs' secret.
const SECRET: &[u8; 20] = b"12345678901234567890";

fn secret() -> TotpSecret {
    TotpSecret::from_bytes(SECRET).unwrap()
}

fn code(step: u64) -> String {
    let mac = Hmac::new_from_slice(SECRET).unwrap();
    format!("{:06}", hotp(&mac, step) % MODULUS)
}

/// RFC 6238, appendix B, the SHA-1 rows, of 8 digits.
#[test]
fn computes_rfc_6238s_vectors() {
    let mac = Hmac::new_from_slice(SECRET).unwrap();
    for (time, digits) in [
        (59, 94_287_082),
        (1_111_111_109, 7_081_804),
        (1_111_111_111, 14_050_471),
        (1_234_567_890, 89_005_924),
        (2_000_000_000, 69_279_037),
        (20_000_000_000, 65_353_130),
    ] {
        assert_eq!(hotp(&mac, time / STEP_S) % 100_000_000, digits, "at {time}");
    }
}

/// RFC 4226, appendix D.
#[test]
fn takes_rfc_4226s_codes() {
    let codes =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (step, code) in (0..).zip(codes) {
        assert_eq!(secret().verify(code, step * STEP_S, None), Some(step));
    }
}

#[test]
fn a_code_is_good_from_one_step_before_to_one_after() {
    let now_s = 1_000 * STEP_S;
    for (step, taken) in
        [(998, None), (999, Some(999)), (1_000, Some(1_000)), (1_001, Some(1_001)), (1_002, None)]
    {
        assert_eq!(secret().verify(&code(step), now_s, None), taken);
        assert_eq!(
            secret().verify(&code(step), now_s + STEP_S - 1, None),
            taken,
            "to the step's last second"
        );
    }
}

#[test]
fn a_code_is_taken_once_and_none_older_after_it() {
    let now_s = 1_000 * STEP_S;
    let last = secret().verify(&code(1_000), now_s, None);
    assert_eq!(secret().verify(&code(1_000), now_s, last), None);
    assert_eq!(secret().verify(&code(999), now_s, last), None);
    assert_eq!(secret().verify(&code(1_001), now_s, last), Some(1_001));
    assert_eq!(secret().verify(&code(1_001), now_s, Some(u64::MAX)), None);
}

/// Found by search: the first two neighbours of this secret with the same code.
#[test]
fn a_code_that_two_steps_share_is_spent_for_both() {
    assert_eq!(code(910_737), code(910_738));
    let last = secret().verify(&code(910_737), 910_737 * STEP_S, None);
    assert_eq!(last, Some(910_738));
    assert_eq!(secret().verify(&code(910_738), 910_738 * STEP_S, last), None);
}

#[test]
fn only_six_digits_are_a_code() {
    for right in ["287082", " 287082", "287082\n", "287 082", "28-70-82", "２８７０８２"] {
        assert_eq!(secret().verify(right, STEP_S, None), Some(1), "{right:?}");
    }
    for wrong in [
        "",
        "28708",
        "2870820",
        "0287082",
        "94287082",
        "+28708",
        "-87082",
        "28.70.82",
        "28708²",
        "28708x",
        "٢٨",
        &"2".repeat(1 << 20),
    ] {
        assert_eq!(secret().verify(wrong, STEP_S, None), None, "{} bytes", wrong.len());
    }
}

#[test]
fn every_changed_digit_and_another_secret_are_refused() {
    let good = code(1_000);
    for at in 0..good.len() {
        let mut wrong = good.clone().into_bytes();
        wrong[at] = b'0' + (wrong[at] - b'0' + 1) % 10;
        assert_eq!(
            secret().verify(std::str::from_utf8(&wrong).unwrap(), 1_000 * STEP_S, None),
            None,
            "at {at}"
        );
    }
    assert_eq!(TotpSecret::from_bytes(&[1; 20]).unwrap().verify(&good, 1_000 * STEP_S, None), None);
}

#[test]
fn the_ends_of_time_do_not_panic() {
    assert_eq!(secret().verify(&code(0), 0, None), Some(0));
    assert_eq!(secret().verify(&code(0), 0, Some(0)), None);
    let last = u64::MAX / STEP_S;
    assert_eq!(secret().verify(&code(last), u64::MAX, None), Some(last));
}

#[test]
fn only_20_bytes_are_a_secret() {
    for len in [0, 10, 19, 21, 32] {
        assert_eq!(TotpSecret::from_bytes(&vec![1; len]).unwrap_err(), TokenError::TotpSecret);
    }
    let (a, b) = (TotpSecret::generate().unwrap(), TotpSecret::generate().unwrap());
    assert_ne!(a.as_bytes(), b.as_bytes());
    assert_eq!(TotpSecret::from_bytes(a.as_bytes()).unwrap().as_bytes(), a.as_bytes());
}

#[test]
fn an_app_is_shown_the_key_uri() {
    assert_eq!(secret().to_base32().expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(
        secret().otpauth_uri("ACME Co", "a+b@example.com").expose_secret(),
        "otpauth://totp/ACME%20Co:a%2Bb%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME%20Co\
         &algorithm=SHA1&digits=6&period=30"
    );
}

/// An account's name is its owner's to choose.
#[test]
fn a_name_cannot_add_parameters_or_another_issuer() {
    let uri = secret().otpauth_uri("ACME", "Bank:x?secret=A&issuer=Bank#é%41");
    assert_eq!(
        uri.expose_secret(),
        "otpauth://totp/ACME:Bankx%3Fsecret%3DA%26issuer%3DBank%23%C3%A9%2541?secret=\
         GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ACME&algorithm=SHA1&digits=6&period=30"
    );
}

/// Invariant 3.
#[test]
fn debug_shows_no_secret() {
    assert_eq!(format!("{:?}", secret()), "TotpSecret(..)");
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text: String, now_s: u64, last_step: Option<u64>) {
        prop_assert_eq!(secret().verify(&text, now_s, last_step), None);
    }

    #[test]
    fn what_is_taken_is_near_and_after_the_last(now_s: u64, ahead in 0_u64..3, last_step: Option<u64>) {
        let step = (now_s / STEP_S).saturating_sub(1) + ahead;
        if let Some(taken) = secret().verify(&code(step), now_s, last_step) {
            prop_assert!(taken.abs_diff(now_s / STEP_S) <= 1);
            prop_assert!(last_step.is_none_or(|last| taken > last));
        }
    }
}
