//! Sending mail.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures::future::BoxFuture;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, Identity, Tls, TlsParameters, TlsVersion,
};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde_json::Value;

use super::{EmailConfig, OpenContext, Security, Server};
use crate::alert::destination::{Destination, Failure};
use crate::alert::evidence::piece;
use crate::alert::notice::Notice;
use crate::model::{Fault, Reason, Scope, Template};
use crate::tls::{self, MinVersion};

/// The longest subject, in characters.
const SUBJECT: usize = 200;

pub(super) fn open(
    config: &EmailConfig,
    context: &OpenContext,
    server: Server,
) -> Result<Arc<dyn Destination>, Fault> {
    let input = |message: String| Fault::new(Reason::Input, message);
    let from = match (&config.from, &server.login) {
        (Some(from), _) => from.value.clone(),
        (None, Some((user, _))) if user.contains('@') => user.clone(),
        (None, _) => format!("landfall@{}", domain(&server.host)),
    };
    let mailbox = |text: &str| {
        text.parse::<Mailbox>()
            .map_err(|error| input(format!("`{text}` is no mail address: {error}")))
    };
    let sender = mailbox(&from)?;
    let to = config
        .to
        .iter()
        .map(|to| mailbox(&to.value))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Mailer {
        transport: transport(config, context, &server)?,
        timeout: config.timeout.value.0,
        domain: sender.email.domain().to_owned(),
        from: sender,
        to,
        subject: config.subject.clone(),
        text: config.text.clone(),
        context: context.clone(),
    }))
}

/// A host as the right side of an address, which an IP address cannot be everywhere.
fn domain(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() {
        "localhost"
    } else {
        host
    }
}

fn transport(
    config: &EmailConfig,
    context: &OpenContext,
    server: &Server,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Fault> {
    let tls = match server.security {
        Security::None => Tls::None,
        Security::Opportunistic => Tls::Opportunistic(parameters(config, context, server)?),
        Security::Starttls => Tls::Required(parameters(config, context, server)?),
        Security::Implicit => Tls::Wrapper(parameters(config, context, server)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.as_str())
        .port(server.port)
        .timeout(Some(config.timeout.value.0))
        .tls(tls);
    if let Some((user, password)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

fn parameters(config: &EmailConfig, context: &OpenContext, server: &Server) -> Result<TlsParameters, Fault> {
    tls::install();
    let wrong = |why: String| Fault::new(Reason::Tls, why);
    let mut builder = TlsParameters::builder(server.host.clone());
    if config.tls.insecure() {
        builder = builder.dangerous_accept_invalid_certs(true);
    }
    if let Some(ca) = &config.tls.ca {
        builder = builder.certificate_store(CertificateStore::None);
        for certificate in tls::certificates(&context.root, "tls.ca", ca)? {
            let certificate = Certificate::from_der(certificate.to_vec());
            let unfit = |e| wrong(format!("`{}` (tls.ca): {e}", ca.value));
            builder = builder.add_root_certificate(certificate.map_err(unfit)?);
        }
    }
    if let (Some(cert), Some(key)) = (&config.tls.cert, &config.tls.key) {
        let read = |file: &str| {
            std::fs::read(context.root.join(file)).map_err(|e| wrong(format!("`{file}` cannot be read: {e}")))
        };
        let identity = Identity::from_pem(&read(&cert.value)?, &read(&key.value)?);
        let unfit = |e| {
            wrong(format!(
                "`{}` (tls.cert) and `{}` (tls.key): {e}",
                cert.value, key.value
            ))
        };
        builder = builder.identify_with(identity.map_err(unfit)?);
    }
    if config.tls.min_version == MinVersion::V13 {
        builder = builder.set_min_tls_version(TlsVersion::Tlsv13);
    }
    builder
        .build_rustls()
        .map_err(|error| wrong(format!("TLS for mail cannot be prepared: {error}")))
}

struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
    domain: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    subject: Option<Template>,
    text: Option<Template>,
    context: OpenContext,
}

impl Destination for Mailer {
    fn send<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move {
            let message = self.message(notice).map_err(Failure::hopeless)?;
            let sending = self.transport.send(message);
            let answer = tokio::select! {
                answer = sending => answer,
                () = self.context.clock.sleep(self.timeout) => {
                    return Err(Failure::in_doubt("the dialogue was not over in time"));
                }
            };
            match answer {
                Ok(response) => {
                    let said: Vec<&str> = response.message().collect();
                    Ok(piece(&format!("{}: {}", response.code(), said.join(" "))))
                }
                Err(error) => Err(failure(&error)),
            }
        })
    }
}

impl Mailer {
    fn message(&self, notice: &Notice) -> Result<Message, String> {
        let scope = self.scope(notice);
        let render = |template: &Option<Template>, default: &str| match template {
            Some(template) => scope.text(template).map_err(|fault| fault.message),
            None => Ok(default.to_owned()),
        };
        let severity = match notice.severity {
            crate::alert::policy::Severity::Page => "page",
            crate::alert::policy::Severity::Ticket => "ticket",
        };
        let subject = render(&self.subject, &format!("[{severity}] {}", notice.title))?;
        let subject: String = piece(&subject).chars().take(SUBJECT).collect();
        let text = render(&self.text, &notice.text)?;
        let id = |part: &str| format!("<landfall.{part}@{}>", self.domain);
        let at = notice.moment().map_or(0, |at| at.0);
        let date = UNIX_EPOCH + Duration::from_nanos(u64::try_from(at).unwrap_or(0));
        let mut builder = Message::builder()
            .from(self.from.clone())
            .subject(subject)
            .date(date)
            .message_id(Some(id(&notice.id)))
            .raw_header(plain("Auto-Submitted", "auto-generated"))
            .raw_header(plain("X-Landfall-Alert", &notice.alert));
        // The first mail of an alert begins the conversation that the others belong to.
        let first = format!("{}-1", notice.alert);
        if notice.id != first {
            builder = builder.references(id(&first)).in_reply_to(id(&first));
        }
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder
            .singlepart(SinglePart::plain(text))
            .map_err(|error| format!("the mail cannot be written: {error}"))
    }

    fn scope(&self, notice: &Notice) -> Arc<dyn Scope> {
        let alert = serde_json::to_value(notice).unwrap_or(Value::Null);
        (self.context.scope)(vec![("alert", alert)])
    }
}

/// A header whose name and value are plain ASCII of landfall's own.
fn plain(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn failure(error: &lettre::transport::smtp::Error) -> Failure {
    use std::error::Error as _;
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        cause = inner.source();
    }
    let said = piece(&said);
    // Too large stays too large (RFC 5321 section 4.2.3); every other refusal somebody can mend at the server.
    if error.status().is_some_and(|code| code.to_string() == "552") {
        return Failure::hopeless(said);
    }
    // A negative reply, or a handshake that failed: nothing was taken.
    if error.is_permanent()
        || error.is_transient()
        || error.is_client()
        || error.is_tls()
        || said.starts_with("Connection error")
    {
        return Failure::refused(said);
    }
    Failure::in_doubt(said)
}
