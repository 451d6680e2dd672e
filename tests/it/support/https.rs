//! A server that speaks HTTP/1.1 and HTTP/2, with TLS or without, and answers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::certificates::{Authority, Signed, put};

/// The server, with a folder in which its authority is `ca.pem`.
pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    scheme: &'static str,
    root: TempDir,
    face: Arc<Face>,
}

/// What a server shows to those who connect, which a test may change.
struct Face {
    acceptor: Mutex<Option<TlsAcceptor>>,
    /// Ends the connections that were made before the last change.
    ended: Mutex<CancellationToken>,
    status: AtomicU16,
}

/// How a server does TLS.
pub(crate) struct Tls<'a> {
    pub(crate) signed: &'a Signed,
    pub(crate) versions: &'a [&'static SupportedProtocolVersion],
    /// Asks for a certificate of this authority.
    pub(crate) clients: Option<&'a Authority>,
}

impl Server {
    pub(crate) async fn plain() -> Self {
        Self::start(None, "").await
    }

    /// With a certificate that is in order.
    pub(crate) async fn tls() -> Self {
        let authority = Authority::new("landfall tests");
        let signed = authority.sign(&["127.0.0.1"], 2999);
        Self::with(&authority, &signed, rustls::ALL_VERSIONS, None).await
    }

    pub(crate) async fn with(
        authority: &Authority,
        signed: &Signed,
        versions: &[&'static SupportedProtocolVersion],
        clients: Option<&Authority>,
    ) -> Self {
        let tls = Tls {
            signed,
            versions,
            clients,
        };
        Self::start(Some(acceptor(&tls)), &authority.pem).await
    }

    async fn start(acceptor: Option<TlsAcceptor>, ca: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "ca.pem", ca);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let face = Arc::new(Face {
            acceptor: Mutex::new(acceptor),
            ended: Mutex::default(),
            status: AtomicU16::new(200),
        });
        let shown = Arc::clone(&face);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = shown.acceptor.lock().unwrap().clone();
                let ended = shown.ended.lock().unwrap().clone();
                let shown = Arc::clone(&shown);
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, shown, ended).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, shown, ended).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            at,
            scheme,
            root,
            face,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.at)
    }

    /// Shows this certificate from now on, and ends the connections that there are.
    pub(crate) fn shows(&self, signed: &Signed) {
        *self.face.acceptor.lock().unwrap() = Some(acceptor(&Tls {
            signed,
            versions: rustls::ALL_VERSIONS,
            clients: None,
        }));
        std::mem::take(&mut *self.face.ended.lock().unwrap()).cancel();
    }

    /// Answers with this status from now on.
    pub(crate) fn answers(&self, status: u16) {
        self.face.status.store(status, Ordering::Relaxed);
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }
}

fn acceptor(tls: &Tls<'_>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(tls.versions)
        .unwrap();
    let builder = match tls.clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
            roots.add(authority).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let certificate = CertificateDer::from_pem_slice(tls.signed.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(tls.signed.key.as_bytes()).unwrap();
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    face: Arc<Face>,
    ended: CancellationToken,
) {
    let builder = Builder::new(TokioExecutor::new());
    let status = move |request| echo(request, face.status.load(Ordering::Relaxed));
    let served = builder.serve_connection(TokioIo::new(stream), service_fn(status));
    // A client that goes away in the middle is the test's own doing.
    drop(ended.run_until_cancelled(served).await);
}

async fn echo(request: Request<Incoming>, status: u16) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let text = format!(
        "{} {} {:?} {}",
        head.method,
        head.uri.path(),
        head.version,
        String::from_utf8_lossy(&body)
    );
    let mut response = Response::new(Full::new(Bytes::from(text.trim_end().to_owned())));
    *response.status_mut() = status.try_into().unwrap();
    Ok(response)
}
