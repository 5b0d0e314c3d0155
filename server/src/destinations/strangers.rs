//! For tests: servers that are not what was asked for. They note what they are told.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A certificate for `localhost` and `127.0.0.1` that nobody but itself has signed, with its key.
const CERTIFICATE: &str = "\
    MIIBpDCCAUugAwIBAgIUIU6RqAMMi31bQ/au4HHKWFUL/5UwCgYIKoZIzj0EAwIwGTEXMBUGA1UEAwwObm9ib2R5LmludmFsaWQw\
    IBcNMjYxMTIzMDc1NjU4WhgPMjEyNjEwMzAwNzU2NThaMBkxFzAVBgNVBAMMDm5vYm9keS5pbnZhbGlkMFkwEwYHKoZIzj0CAQYI\
    KoZIzj0DAQcDQgAECxsRihJphcSrONSd8JS1XreioyuW0oxtgeZHDMbS6N794sf4n6EnproR1m5pwx3qqpANMqHsMRPtWgv1VIVD\
    rKNvMG0wHQYDVR0OBBYEFFa3sYnfqdeQHZ1hNkrwMjnJ9jNhMB8GA1UdIwQYMBaAFFa3sYnfqdeQHZ1hNkrwMjnJ9jNhMA8GA1Ud\
    EwEB/wQFMAMBAf8wGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMAoGCCqGSM49BAMCA0cAMEQCIEOA+tNZIMKj0c54edNxHNdQ\
    gb5+pxmQqsgmZBRVWSbvAiAlxnZjuCuMCJojIT52a1Ixu1ek/XxOph3i6VWrUDK7jA==";
const KEY: &str = "\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTYGygZr7BBvDv2FXW6Vzn5zxw2l4S/zCT1nwETWOhSGhRANCAAQL\
    GxGKEmmFxKs41J3wlLVet6KjK5bSjG2B5kcMxtLo3v3ix/ifoSemuhHWbmnDHeqqkA0yoewxE+1aC/VUhUOs";

/// A server that is not what was asked for.
#[derive(Debug, Clone, Default)]
pub struct Stranger {
    /// Its address, with `https`.
    pub url: String,
    told: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Stranger {
    /// What it was told, one for each connection: as it came where it speaks no TLS, else what was in it.
    pub fn told(&self) -> Vec<Vec<u8>> {
        self.told_now().clone()
    }

    fn told_now(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Speaks HTTP without TLS.
    pub fn without_tls() -> Self {
        Self::start(|mut stream| {
            let told = hear(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            told
        })
    }

    /// Speaks TLS, with a certificate that nobody knows.
    pub fn self_signed() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let der = |text: &str| STANDARD.decode(text.replace(char::is_whitespace, "")).expect("base64");
        let (certificate, key) = (CertificateDer::from(der(CERTIFICATE)), PrivatePkcs8KeyDer::from(der(KEY)));
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key.into());
        let config = Arc::new(config.expect("a certificate with its key"));
        Self::start(move |stream| {
            let connection = ServerConnection::new(config.clone()).expect("a connection");
            hear(&mut StreamOwned::new(connection, stream))
        })
    }

    fn start(serve: impl Fn(TcpStream) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}/api", listener.local_addr().expect("an address"));
        let stranger = Self { url, ..Self::default() };
        let (noting, serve) = (stranger.clone(), Arc::new(serve));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noting, serve) = (noting.clone(), serve.clone());
                std::thread::spawn(move || {
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                    let told = serve(stream);
                    noting.told_now().push(told);
                });
            }
        });
        stranger
    }
}

/// What comes first; nothing where the other side hangs up.
fn hear(stream: &mut impl std::io::Read) -> Vec<u8> {
    let mut bytes = vec![0; 8192];
    let length = stream.read(&mut bytes).unwrap_or(0);
    bytes.truncate(length);
    bytes
}
