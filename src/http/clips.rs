//! Render jobs for the account that owns them.

use rouille::Response;

use super::call::Call;
use super::{answer, views};
use crate::app::{clips, jobs};
use crate::domain::error::{Error, Result};
use crate::domain::id::JobId;
use crate::domain::job::{Caller, JobStatus};
use crate::domain::limits;
use crate::wire::job::JobList;
use crate::wire::submit::read_submit;

/// `POST /api/clips`.
pub fn submit(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let spec = read_submit(&call.json_body()?)?;
    let job = jobs::submit(call.app, caller, spec)?;
    let location = format!("/api/clips/{}", job.job.public_id);
    Ok(answer::header(answer::json(202, &views::job(&job, &call.base)?)?, "Location", location))
}

/// `GET /api/clips/{id}`.
pub fn show(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let job = jobs::get(call.app, caller, call.uuid()?)?;
    answer::json(200, &views::job(&job, &call.base)?)
}

/// `DELETE /api/clips/{id}`.
pub fn remove(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let job = jobs::remove(call.app, caller, call.uuid()?)?;
    answer::json(200, &views::job(&job, &call.base)?)
}

/// `POST /api/clips/{id}/link`.
pub fn renew_link(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let job = clips::renew_link(call.app, caller, call.uuid()?)?;
    answer::json(200, &views::job(&job, &call.base)?)
}

/// `GET /api/clips?status=&limit=&cursor=`.
pub fn list(call: &Call<'_>, caller: &Caller) -> Result<Response> {
    let status = match call.query("status") {
        None => None,
        Some(word) => Some(JobStatus::parse(&word).ok_or_else(|| {
            let known: Vec<_> = JobStatus::ALL.iter().map(|status| status.as_str()).collect();
            Error::invalid("status", format!("status must be one of {}.", known.join(", ")))
        })?),
    };
    let limit = read_limit(call.query("limit").as_deref())?;
    let before = call.query("cursor").map(|cursor| read_cursor(&cursor)).transpose()?;
    let page = jobs::list(call.app, caller, status, limit, before)?;
    let clips = page.jobs.iter().map(|job| views::job(job, &call.base)).collect::<Result<_>>()?;
    answer::json(200, &JobList { clips, next_cursor: page.next.map(cursor) })
}

fn read_limit(text: Option<&str>) -> Result<u32> {
    let Some(text) = text else { return Ok(limits::PAGE_DEFAULT) };
    let number = if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None };
    number
        .filter(|limit| (1..=limits::PAGE_MAX).contains(limit))
        .ok_or_else(|| Error::invalid("limit", format!("limit must be an integer from 1 to {}.", limits::PAGE_MAX)))
}

/// A cursor is the row number of the last job on the page, in a form that invites nobody to count.
fn cursor(last: JobId) -> String {
    format!("{:016x}", last.0)
}

fn read_cursor(text: &str) -> Result<JobId> {
    let digits = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let row = if digits { i64::from_str_radix(text, 16).ok() } else { None };
    row.map(JobId).ok_or_else(|| Error::invalid("cursor", "cursor must be a next_cursor that this server gave."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_row_it_was_made_from_and_nothing_else_does() {
        for row in [0, 1, 500, i64::MAX] {
            assert_eq!(read_cursor(&cursor(JobId(row))).unwrap(), JobId(row));
        }
        for text in [
            "",
            "1",
            "ffffffffffffffff",
            "000000000000000G",
            "000000000000000A",
            "+00000000000001f",
            "00000000000000001",
        ] {
            assert_eq!(read_cursor(text).unwrap_err().field.as_deref(), Some("cursor"), "{text:?}");
        }
    }

    #[test]
    fn a_limit_is_a_whole_number_within_its_bounds() {
        assert_eq!(read_limit(None).unwrap(), limits::PAGE_DEFAULT);
        assert_eq!((read_limit(Some("1")).unwrap(), read_limit(Some("100")).unwrap()), (1, 100));
        for text in ["0", "101", "-1", "+5", "5.0", "x", " 5", "99999999999999999999"] {
            assert_eq!(read_limit(Some(text)).unwrap_err().field.as_deref(), Some("limit"), "{text:?}");
        }
    }
}
