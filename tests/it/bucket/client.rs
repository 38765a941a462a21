//! The client for one bucket: objects, uploads in parts, faults of the store.

use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dinkem_appliance::domain::error_code::ErrorCode;
use dinkem_appliance::domain::sha256::Sha256;
use dinkem_appliance::os::address::Addresses;
use dinkem_appliance::os::http::{Body, Client, ClientOptions, Method, Request};
use dinkem_appliance::os::s3::address::CHECKSUM_HEADER;
use dinkem_appliance::os::s3::multipart::{Completed, Part, checksum};
use dinkem_appliance::os::s3::object::{Condition, Put};
use dinkem_appliance::os::s3::reader::ObjectReader;

use crate::support::s3::{Fault, S3};

const LONG: Duration = Duration::from_secs(60);

fn plain_client() -> Client {
    let addresses = Addresses::Any;
    let (connect_timeout, stall_timeout) = (LONG, LONG);
    Client::new(ClientOptions {
        addresses,
        ca_pem: None,
        redirects: 0,
        connect_timeout,
        stall_timeout,
        body_timeout: None,
    })
    .unwrap()
}

#[test]
fn object_is_written_on_a_condition_read_in_ranges_listed_and_deleted() {
    let Some(s3) = S3::start("bucket objects") else { return };
    let bucket = s3.bucket();
    let key = bucket.key("leader");
    let Put::Written(first) = bucket.put(&key, b"a", "text/plain", Condition::Absent).unwrap() else { panic!() };
    assert_eq!(bucket.put(&key, b"b", "text/plain", Condition::Absent).unwrap(), Put::Refused);
    let Put::Written(second) = bucket.put(&key, b"0123456789", "text/plain", Condition::Etag(&first)).unwrap() else {
        panic!()
    };
    assert_eq!(bucket.put(&key, b"c", "text/plain", Condition::Etag(&first)).unwrap(), Put::Refused);
    let head = bucket.head(&key).unwrap().unwrap();
    assert_eq!((head.bytes, head.etag), (10, second));

    let mut text = String::new();
    bucket.get(&key, 2, 3).unwrap().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "234");
    let mut reader = ObjectReader::seeking(bucket.clone(), key.clone(), 10, 4);
    for (to, expected) in [(SeekFrom::Start(1), "123456789"), (SeekFrom::End(-2), "89"), (SeekFrom::Start(10), "")] {
        let mut text = String::new();
        reader.seek(to).unwrap();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, expected);
    }
    let listed = bucket.list("", None).unwrap();
    assert_eq!((listed.found.len(), listed.found[0].bytes, listed.next), (1, 10, None));
    assert!(bucket.ahead_ms().unwrap().unwrap().abs() < 60_000);
    assert_eq!(bucket.aborts_unfinished_after().unwrap(), None);

    bucket.delete(&key).unwrap();
    bucket.delete(&key).unwrap();
    assert_eq!(bucket.head(&key).unwrap(), None);
    assert!(bucket.get(&key, 0, 1).unwrap().is_none());
}

#[test]
fn upload_in_parts_is_completed_once_and_unfinished_ones_are_listed_and_aborted() {
    let Some(s3) = S3::start("uploads in parts") else { return };
    let bucket = s3.bucket();
    let key = bucket.key("clips/7.mp4");
    let parts = [vec![1_u8; 5 << 20], vec![2; 100]];
    let upload = bucket.begin_upload(&key, "video/mp4").unwrap();
    let client = plain_client();
    let sent: Vec<Part> = parts
        .iter()
        .enumerate()
        .map(|(at, bytes)| {
            let sha256 = Sha256::of(bytes);
            let url = bucket.part(&key, &upload, at + 1, &checksum(&sha256), LONG).unwrap();
            let headers = [(CHECKSUM_HEADER, &*checksum(&sha256))];
            let request =
                Request { headers: &headers, body: Body::Bytes(bytes), ..Request::new(Method::PUT, &url, LONG) };
            let answer = client.send(request).unwrap();
            assert_eq!(answer.status, 200);
            Part { etag: answer.header("etag").unwrap().to_owned(), sha256 }
        })
        .collect();
    assert_eq!(bucket.unfinished("clips/", None).unwrap().found.len(), 1);
    assert_eq!(bucket.complete_upload(&key, &upload, &sent).unwrap(), Completed::Done);
    // Stores differ: some remember completed uploads for a while.
    assert!(matches!(bucket.complete_upload(&key, &upload, &sent).unwrap(), Completed::Done | Completed::Unknown));
    assert_eq!(bucket.head(&key).unwrap().unwrap().bytes, (5 << 20) + 100);

    let upload = bucket.begin_upload(&key, "video/mp4").unwrap();
    bucket.abort_upload(&key, &upload).unwrap();
    bucket.abort_upload(&key, &upload).unwrap();
    assert_eq!(bucket.unfinished("", None).unwrap().found, []);
}

#[test]
fn overloaded_and_failing_store_is_asked_again_and_broken_reads_go_on() {
    let Some(s3) = S3::start("a store that fails") else { return };
    let bucket = s3.bucket();
    let key = bucket.key("a");
    for fault in [
        Fault::Answer(503, "SlowDown"),
        Fault::Answer(500, "InternalError"),
        Fault::LostAnswer,
        Fault::Slow(Duration::from_millis(300)),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        s3.fault(move |_| (count.fetch_add(1, Ordering::SeqCst) < 2).then_some(fault));
        bucket.put(&key, &vec![7; 100_000], "text/plain", Condition::None).unwrap();
        let expected = if matches!(fault, Fault::Slow(_)) { 1 } else { 3 };
        assert_eq!(asked.load(Ordering::SeqCst), expected, "{fault:?}");
    }
    s3.fault(|_| Some(Fault::Cut(40_000)));
    let mut reader = ObjectReader::section(bucket.clone(), key.clone(), 100_000, 0, 100_000);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, vec![7; 100_000]);

    s3.fault(|_| Some(Fault::Answer(503, "SlowDown")));
    let error = bucket.put(&key, b"x", "text/plain", Condition::None).unwrap_err();
    assert_eq!(error.code, ErrorCode::StorageUnavailable);
}

#[test]
fn refusal_says_why_and_what_to_do_without_secrets() {
    let Some(s3) = S3::start("refusals") else { return };
    let bucket = s3.bucket();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"content").unwrap();
    for (status, code, says) in [
        (403, "AccessDenied", "docs/s3.md"),
        (403, "InvalidAccessKeyId", "does not know the access key"),
        (403, "SignatureDoesNotMatch", "secret key"),
        (403, "RequestTimeTooSkewed", "NTP"),
        (404, "NoSuchBucket", "Create it"),
        (403, "", "Check the credentials"),
        (501, "NotImplemented", "does not offer that"),
        (400, "Strange", "status 400 Strange"),
    ] {
        s3.fault(move |_| Some(Fault::Answer(status, code)));
        let error = bucket.put_file(&bucket.key("a"), &file, "video/mp4", None).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(says) && said.contains("clips at 127.0.0.1"), "{said}");
        assert!(!said.contains("top-secret") && !said.contains("X-Amz"), "{said}");
        assert_eq!(error.code == ErrorCode::ClockSkew, code == "RequestTimeTooSkewed");
    }
    s3.heal();
    bucket.put_file(&bucket.key("a"), &file, "video/mp4", Some(&Sha256::of("content"))).unwrap();
    assert_eq!(bucket.head(&bucket.key("a")).unwrap().unwrap().bytes, 7);
    assert!(!format!("{bucket:?}").contains("secret"));
}
