//! What a check found, and how it is shown.

use serde::Serialize;

use crate::{cli::colour::Paint, model::text};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// All is well.
    Ok,
    /// It works, and may not always.
    Warning,
    /// It does not work.
    Failed,
    /// It could not be looked at, because of something else that failed or is not there.
    Skipped,
}

/// One line of the doctor's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) found: String,
    /// What a person can do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

impl Finding {
    fn new(check: &'static str, status: Status, found: impl Into<String>) -> Self {
        Self { check, status, found: found.into(), mend: None }
    }

    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Status::Ok, found)
    }

    pub(super) fn warning(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Status::Warning, found)
    }

    pub(super) fn failed(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Status::Failed, found)
    }

    pub(super) fn skipped(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Status::Skipped, found)
    }

    pub(super) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }
}

/// The lines for people: a mark, the check, what was found; below it what mends it.
pub(super) fn render(findings: &[Finding], paint: Paint) -> String {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    let mut out = String::new();
    for finding in findings {
        let mark = match finding.status {
            Status::Ok => paint.green("✓"),
            Status::Warning => paint.yellow("!"),
            Status::Failed => paint.red("✗"),
            Status::Skipped => "-".to_owned(),
        };
        let found = text::clean_line(&finding.found);
        out.push_str(&format!("{mark} {:<width$}  {found}\n", finding.check));
        if let Some(mend) = &finding.mend {
            out.push_str(&format!("  {:<width$}  → {}\n", "", text::clean_line(mend)));
        }
    }
    out
}

/// The sentence at the end.
pub(super) fn summary(findings: &[Finding]) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (failed, warnings) = (count(Status::Failed), count(Status::Warning));
    let plural = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    match (failed, warnings) {
        (0, 0) => "All is well.".to_owned(),
        (0, n) => format!("Nothing is broken; {}.", plural(n, "warning")),
        (n, 0) => format!("{} failed.", plural(n, "check")),
        (n, m) => format!("{} failed; {}.", plural(n, "check"), plural(m, "warning")),
    }
}
