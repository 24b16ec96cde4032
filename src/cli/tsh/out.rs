//! `tsh login --out`: a login as files for machines, instead of in the profile (wire facts 6.5).

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::session::Session;
use crate::{
    cli::error::Failure,
    client::{
        identity_file::IdentityFile,
        kubeconfig::{self, Entry, Owner, UserAuth},
    },
    pki::{Certificate, KeyPair, SshCertificate},
};

/// The form of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Form {
    /// One file with key, certificates and CAs: for `--identity`
    #[default]
    File,
    /// FILE and FILE-cert.pub: for `ssh -i FILE`
    Openssh,
    /// A kubeconfig with key and certificate in it
    Kubernetes,
    /// FILE.key, FILE.crt and FILE.cas
    Tls,
}

/// Refuses what could not be written anyway, before a person signs in for nothing: a folder, and a file that is no
/// earlier login of the same form, unless `overwrite` says that it may go. (A kubeconfig only gets one more entry.)
pub(crate) fn check(out: &Path, form: Form, overwrite: bool) -> anyhow::Result<()> {
    if out.is_dir() {
        return Err(Failure::new("it is a folder; name a file").into());
    }
    let folder = folder(out);
    if !folder.is_dir() {
        let text = format!("there is no folder {}; make it first", folder.display());
        return Err(Failure::new(text).into());
    }
    if form == Form::Kubernetes && overwrite {
        let text = "--overwrite is for files that hold one login; a kubeconfig only gets one more entry";
        return Err(Failure::usage(text).into());
    }
    if form == Form::Kubernetes {
        // One that does not parse is refused here as well.
        kubeconfig::contexts(&files(out)?)?;
    }
    let there = paths(out, form).into_iter().find(|path| path.symlink_metadata().is_ok());
    match there {
        Some(path) if form != Form::Kubernetes && !overwrite && !is_earlier_login(out, form) => {
            let text =
                format!("{} is there already and is no earlier login; nothing was written", path.display());
            Err(Failure::new(text).hint("name another file, or replace it with --overwrite").into())
        }
        _ => Ok(()),
    }
}

/// Writes a login where [`check`] let it. What was written, in a sentence.
pub(crate) fn write(out: &Path, form: Form, session: &Session, overwrite: bool) -> anyhow::Result<String> {
    check(out, form, overwrite)?;
    if form == Form::Kubernetes {
        return kubeconfig(out, session);
    }
    let texts = texts(form, &identity(session))?;
    let parts: Vec<Part> = paths(out, form).into_iter().zip(texts).collect();
    replace_all(&parts)?;
    let names: Vec<String> = parts.iter().map(|(path, _)| path.display().to_string()).collect();
    Ok(format!("The certificate has been written to {}", names.join(", ")))
}

fn identity(session: &Session) -> IdentityFile {
    let credentials = &session.credentials;
    let line = |key: &String| format!("@cert-authority *.{} {key} type=host", session.cluster);
    IdentityFile {
        key_pem: credentials.key_pem.clone(),
        ssh_cert: Some(credentials.ssh_cert.clone()).filter(|cert| !cert.is_empty()),
        cert_pem: credentials.cert_pem.clone(),
        known_hosts: session.ssh_host_keys.iter().map(line).collect(),
        ca_pem: session.host_cas.clone(),
    }
}

type Part = (PathBuf, Zeroizing<String>);

/// The files, the private key last: who finds it finds its certificate too.
fn paths(out: &Path, form: Form) -> Vec<PathBuf> {
    let ends: &[&str] = match form {
        Form::Openssh => &["-cert.pub", ""],
        Form::Tls => &[".cas", ".crt", ".key"],
        Form::File | Form::Kubernetes => &[""],
    };
    let beside = |end: &&str| {
        let mut name = out.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    ends.iter().map(beside).collect()
}

/// What belongs into each of them.
fn texts(form: Form, identity: &IdentityFile) -> anyhow::Result<Vec<Zeroizing<String>>> {
    let text = |text: &str| Zeroizing::new(format!("{}\n", text.trim_end()));
    Ok(match form {
        Form::Openssh => {
            let cert = identity.ssh_cert.as_deref().context("the gate issued no SSH certificate")?;
            vec![text(cert), text(&identity.key_pem)]
        }
        Form::Tls => vec![text(&identity.ca_pem), text(&identity.cert_pem), text(&identity.key_pem)],
        Form::File | Form::Kubernetes => vec![identity.to_text()],
    })
}

/// Whether the files are those of an earlier login: all of them, and key and certificate a pair. A key of the person's own
/// must never go.
fn is_earlier_login(out: &Path, form: Form) -> bool {
    let read = |path: PathBuf| fs::read_to_string(path).ok().map(Zeroizing::new);
    let Some(texts) = paths(out, form).into_iter().map(read).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let key = |pem: &str| KeyPair::from_pem(pem).ok().map(|pair| pair.public());
    match (form, &texts[..]) {
        (Form::File, [text]) => IdentityFile::parse(text).is_ok(),
        (Form::Openssh, [cert, key_pem]) => {
            let line = key(key_pem).and_then(|key| key.to_authorized_key().ok());
            SshCertificate::from_line(cert).is_ok() && line.is_some_and(|line| certifies(cert, &line))
        }
        (Form::Tls, [cas, cert, key_pem]) => {
            let certificate = Certificate::from_pem(cert).ok().filter(|cert| cert.subject().is_ok());
            let spki = key(key_pem).and_then(|key| key.spki_der().ok());
            let is_pair = certificate.zip(spki).is_some_and(|(cert, spki)| cert.spki_der() == spki);
            is_pair && cas.contains("-----BEGIN CERTIFICATE-----")
        }
        _ => false,
    }
}

/// Whether an SSH certificate holds a public key: the key's own fields stand in it as they are, after the name of its kind.
fn certifies(cert: &str, key: &str) -> bool {
    let blob = |line: &str| STANDARD.decode(line.split_whitespace().nth(1)?).ok();
    let (Some(cert), Some(key)) = (blob(cert), blob(key)) else { return false };
    let kind = key.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let fields = key.get(4 + kind..).unwrap_or_default();
    !fields.is_empty() && cert.windows(fields.len()).any(|part| part == fields)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts all files into place, mode 0600 from their first byte; none of them if one cannot be written.
fn replace_all(parts: &[Part]) -> anyhow::Result<()> {
    let mut written: Vec<(NamedTempFile, &Path)> = Vec::new();
    for (path, text) in parts {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder(path))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        written.push((file, path));
    }
    for (file, path) in written {
        file.persist(path)?;
    }
    Ok(())
}

/// Writes the entry into a kubeconfig of its own, or adds it to the one that is there.
fn kubeconfig(out: &Path, session: &Session) -> anyhow::Result<String> {
    let server = session.places.kube.as_ref().ok_or_else(|| {
        Failure::new(format!("the gate at {} guards no Kubernetes cluster", session.places.web))
    })?;
    let credentials = &session.credentials;
    let entry = Entry {
        name: session.cluster.clone(),
        server: format!("https://{server}"),
        ca_pem: session.host_cas.clone(),
        insecure_skip_tls_verify: false,
        tls_server_name: session.places.tls_routing.then(|| server.kube_server_name()),
        auth: UserAuth::Embedded {
            cert_pem: credentials.cert_pem.clone(),
            key_pem: credentials.key_pem.clone(),
        },
        namespace: None,
        context_name: None,
        labels: Default::default(),
        owner: Owner { profile: session.name.clone() },
    };
    kubeconfig::login(&files(out)?, &[entry], Some(&session.cluster))?;
    Ok(format!(
        "The context {} with key and certificate has been written to {}. Try: kubectl --kubeconfig={} version",
        session.cluster,
        out.display(),
        out.display()
    ))
}

/// The one kubeconfig file.
fn files(out: &Path) -> anyhow::Result<kubeconfig::Files> {
    Ok(kubeconfig::Files::new(Some(std::path::absolute(out)?.as_os_str()), Path::new("/")))
}
