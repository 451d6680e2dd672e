//! An authority and what it signs, made anew for each test.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// Signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate with its key, in PEM.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// For these hosts, until the year.
    pub(crate) fn sign(&self, hosts: &[&str], until: i32) -> Signed {
        self.sign_between(hosts, 2000, until)
    }

    /// For these hosts, from one year until another.
    pub(crate) fn sign_between(&self, hosts: &[&str], from: i32, until: i32) -> Signed {
        let hosts: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        Signed {
            certificate: params.signed_by(&key, &self.issuer).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// Writes a file of the workspace.
pub(crate) fn put(root: &Path, name: &str, text: &str) {
    std::fs::write(root.join(name), text).unwrap();
}
