use super::*;

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn private(text: &str) -> PrivateKey {
    PrivateKey::from_private_key(&ECDH_P256, &bytes(text)).unwrap()
}

const P256DH: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

#[test]
fn t10_the_coding_is_that_of_rfc_8188_section_3_1_byte_for_byte() {
    let salt = bytes("I1BsxtFttlv3u_Oo94xnmw").try_into().unwrap();
    let body = seal(&bytes("yqdlZ-tYemfogSmv7Ws5PQ"), salt, b"", b"I am the walrus").unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(body),
        "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg"
    );
}

#[test]
fn t10_a_push_is_that_of_rfc_8291_section_5_byte_for_byte() {
    let sender = private("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
    let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
    let receiver = Receiver::parse(P256DH, AUTH).unwrap();
    let body = receiver.encrypt_with(&sender, salt, b"When I grow up, I want to be a watermelon").unwrap();
    assert_eq!(body.len(), 144);
    assert_eq!(
        URL_SAFE_NO_PAD.encode(body),
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6\
         PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    );
    let public = private("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94").compute_public_key().unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(public.as_ref()), P256DH, "the private key of the appendix");
}

#[test]
fn the_longest_message_fills_what_a_push_service_takes_and_a_longer_one_is_refused() {
    let receiver = Receiver::parse(P256DH, AUTH).unwrap();
    assert_eq!(PLAIN_MAX, BODY_MAX as usize - HEADER_BYTES - POINT_BYTES - TAG_BYTES - 1);
    assert_eq!(receiver.encrypt(&[b'x'; PLAIN_MAX]).unwrap().len(), 4096);
    assert!(receiver.encrypt(&[b'x'; PLAIN_MAX + 1]).is_err());
}

#[test]
fn t10_salt_and_key_are_fresh_for_each_message() {
    let receiver = Receiver::parse(P256DH, AUTH).unwrap();
    let [first, second] = [(); 2].map(|()| receiver.encrypt(b"the same").unwrap());
    assert_ne!(first[..SALT_BYTES], second[..SALT_BYTES]);
    let key = HEADER_BYTES..HEADER_BYTES + POINT_BYTES;
    assert_ne!(first[key.clone()], second[key]);
}

#[test]
fn b55_keys_are_points_on_the_curve_and_have_their_lengths() {
    let mut off_curve = bytes(P256DH);
    off_curve[64] ^= 1;
    let compressed = [&[2], &bytes(P256DH)[1..33]].concat();
    let infinity = [0];
    for public in [&off_curve, &compressed, &bytes(P256DH)[..64].to_vec(), &infinity.to_vec()] {
        assert!(Receiver::parse(&URL_SAFE_NO_PAD.encode(public), AUTH).is_err(), "{public:?}");
    }
    for auth in [&[7; 15][..], &[7; 17], &[]] {
        assert!(Receiver::parse(P256DH, &URL_SAFE_NO_PAD.encode(auth)).is_err());
    }
    for text in ["", "not base64url!", "BCVxsr7N+eNgVRqv/tD0", P256DH.trim_start_matches('B')] {
        assert!(Receiver::parse(text, AUTH).is_err(), "{text}");
    }
    let long = format!("{AUTH}{}", "=".repeat(250_000));
    assert!(Receiver::parse(P256DH, &long).is_err(), "it would be kept as it is");
    assert!(Receiver::parse(&format!("{P256DH}="), &format!("{AUTH}==")).is_ok(), "with padding");
}
