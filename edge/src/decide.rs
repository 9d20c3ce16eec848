//! The whole policy of the edge, in the order in which it holds: request id, host, sizes, rate limit, route, authentication,
//! cross-site checks, the principal's rate limit, the body's type and size. Pure and synchronous: the same
//! function runs in Wasm with one crossing and natively in tests.
//!
//! Invariant: there is an answer or leave to go on for every input, and every answer carries its request id, its rate
//! limits and its set of security headers.

use crate::auth::{self, Caller, Holder, explain};
use crate::csrf;
use crate::handlers::cookies::{Cookie, Jar};
use crate::handlers::portal::Ask;
use crate::handlers::{asked, check};
use crate::head::{Head, WHITE_SPACE};
use crate::limits::{Limited, Spent};
use crate::pages;
use crate::random::NoRandomness;
use crate::route::{self, Target};
use crate::state::State;
use crate::verdict::{Admitted, Answer, Forward, Task, Verdict};
use protocol::routes::{Body, Class, Route};
use protocol::{Access, Client, Code, Detail, Operation, Principal, Refused, RequestId, SourceId};
use secrecy::ExposeSecret as _;
use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr};
use throttle::{Spend, client_key};

/// More headers than any client has a reason to send.
const MAX_HEADERS: usize = 128;
/// Largest form of a page.
pub const MAX_FORM_BYTES: u32 = 64 * 1024;

/// Decides on a request. `now_ms` is Unix time.
///
/// # Errors
/// [`NoRandomness`]: there is no request id to answer with.
pub fn decide(head: &Head<'_>, now_ms: u64, state: &mut State) -> Result<Verdict, NoRandomness> {
    let request_id = RequestId::new(now_ms, state.random.take()?);
    let mut spent = Spent::default();
    let answer = match judge(head, now_ms, state, &mut spent) {
        Ok(Outcome::Answer(answer)) => answer,
        Ok(Outcome::Task(task)) => {
            let client = client(head, state);
            let spent = RefCell::new(spent);
            let bearer = explain::sends_bearer(head);
            return Ok(Verdict::GoOn(Box::new(Admitted { request_id, now_ms, client, bearer, spent, task })));
        }
        Err(Refusal::Problem { code, detail, .. }) if route::is_for_people(head, &state.config) => {
            // Who is over a limit has no signature verified for the looks of a page.
            let verified = code != Code::RateLimited;
            let caller = verified.then(|| auth::by_cookie(head, now_ms, state).ok().flatten()).flatten();
            let refusal = pages::Refusal {
                code,
                detail: detail.as_deref(),
                wait_seconds: spent.retry_after_seconds(),
                home: route::home(head.path),
                caller: caller.as_ref(),
            };
            pages::refused(state, &refusal, &request_id)?
        }
        Err(Refusal::Problem { code, detail, allow }) => {
            let detail = detail.or_else(|| spent.refusal(code));
            let answer = Answer::problem(code, detail, explain::sends_bearer(head), &request_id);
            match allow {
                Some(methods) => answer.with("allow", methods),
                None => answer,
            }
        }
        Err(Refusal::Random(error)) => return Err(error),
    };
    Ok(Verdict::Answer(answer.finish(&request_id, &spent)))
}

#[allow(clippy::large_enum_variant, reason = "one a request, moved once")]
enum Outcome {
    Answer(Answer),
    Task(Task),
}

enum Refusal {
    Problem { code: Code, detail: Option<Detail>, allow: Option<String> },
    Random(NoRandomness),
}

fn judge(head: &Head<'_>, now_ms: u64, state: &mut State, spent: &mut Spent) -> Result<Outcome, Refusal> {
    let address = client_key(state.client_ip(head).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    // Before the path is read: a `Host` that is none may hold one.
    if let Err(code) = state.own_origin(head) {
        state.limits.ip.count(address, now_ms, spent)?;
        return Err(host_refused(code));
    }
    sizes(head, state)?;
    comes_from_outside(head, state)?;

    let target = route::find(head, &state.config);
    // A source that exists has a limit of its own: a provider's few addresses send for all tenants.
    if let Ok(Target::Inbound(id)) = target
        && let Ok(source) = source(id, state)
    {
        return inbound(head, source, now_ms, state, spent);
    }
    state.limits.ip.count(address, now_ms, spent)?;

    let target = match target {
        // An unknown parameter, to the route: to who sent it, the credential.
        Err(route::NoTarget { code: Code::InvalidRequest, .. })
            if explain::is_in_query(head, &state.key_format) =>
        {
            return Err(unauthenticated(head, state).into());
        }
        target => target?,
    };
    if signs_in(&target) {
        // What another site has a visitor's browser send takes nothing of the visitor's.
        if !head.is_safe() && head.header("authorization").is_none() {
            csrf::same_origin(head, &state.own_origin(head)?)?;
        }
        state.limits.auth.count(address, now_ms, spent)?;
    }

    match target {
        Target::Document(document) => {
            let answer =
                document.answer(&state.canonical_origin(head)?, now_ms, state).map_err(Refusal::Random)?;
            Ok(Outcome::Answer(answer))
        }
        Target::Ready => Ok(Outcome::Task(Task::Ready)),
        Target::Api(route, operation) => api(head, route, operation, now_ms, state, spent),
        Target::Inbound(_) => Err(Code::NotFound.into()),
        Target::Page(page) => {
            // A cookie that is no good is as none: the page leads to the sign-in form.
            let caller = auth::by_cookie(head, now_ms, state).unwrap_or(None);
            if let Some(caller) = &caller {
                principal_limit(caller, now_ms, state, spent)?;
            } else if page.needs_caller() {
                return Ok(Outcome::Answer(asked::sign_in_first(&path_and_query(head), &state.config)));
            }
            let jar = Jar::of(head);
            let asking = page.needs_caller();
            let jar = if asking { asked::now(jar, &path_and_query(head), &state.config) } else { jar };
            Ok(Outcome::Task(Task::Page { page, caller, jar }))
        }
        Target::Form(form) => {
            csrf::same_origin(head, &state.own_origin(head)?)?;
            let caller = if form.needs_caller() {
                let Ok(Some(caller)) = auth::by_cookie(head, now_ms, state) else {
                    return Ok(Outcome::Answer(asked::sign_in_first(head.path, &state.config)));
                };
                principal_limit(&caller, now_ms, state, spent)?;
                Some(caller)
            } else {
                None
            };
            media_type(head, "application/x-www-form-urlencoded")?;
            length(head, MAX_FORM_BYTES)?;
            Ok(Outcome::Task(Task::Form { form, caller, jar: Jar::of(head) }))
        }
        Target::Link { path, cookie, token } => {
            let answer = Answer::see_other(path).with_cookie(cookie, token.expose_secret());
            Ok(Outcome::Answer(answer.unwrap_or_else(|| {
                // No token of ours: the page, without one, says so.
                Answer::see_other(path).without_cookies(&[cookie])
            })))
        }
        Target::Portal(ask) => portal(head, ask, now_ms, state, spent),
        Target::PortalLink { token } => {
            let token = token.expose_secret();
            let genuine = Holder::by_token(token, state).is_ok();
            let answer = Answer::see_other("/portal").with_cookie(Cookie::Portal, token);
            match answer.filter(|_| genuine) {
                Some(answer) => Ok(Outcome::Answer(answer)),
                None => ended(state),
            }
        }
        Target::Gateway(route) => {
            let caller = authenticated(head, now_ms, state)?;
            // Browsers let any site open a WebSocket, and name it in `Origin` alone.
            if caller.cookie && (!head.is_safe() || head.header("upgrade").is_some()) {
                csrf::same_origin(head, &state.own_origin(head)?)?;
            }
            let ahead = edge_limit(&caller, now_ms, state, spent)?;
            length(head, state.config.limits.proxy_body_bytes)?;
            let path_and_query = path_and_query(head);
            Ok(Outcome::Task(Task::Gateway { route, caller, ahead, path_and_query }))
        }
    }
}

/// The customers' portal: by its own cookie alone, and for its own paths alone.
fn portal(
    head: &Head<'_>,
    ask: Ask,
    now_ms: u64,
    state: &mut State,
    spent: &mut Spent,
) -> Result<Outcome, Refusal> {
    if ask.is_change() {
        csrf::same_origin(head, &state.own_origin(head)?)?;
    }
    let Some(holder) = Holder::by_cookie(&Jar::of(head), state) else { return ended(state) };
    state.limits.portal.count(holder.limiter_key(), now_ms, spent)?;
    if ask.is_change() {
        media_type(head, "application/x-www-form-urlencoded")?;
        length(head, MAX_FORM_BYTES)?;
    }
    Ok(Outcome::Task(Task::Portal { ask, holder }))
}

/// What there is without a link to the portal.
fn ended(state: &mut State) -> Result<Outcome, Refusal> {
    pages::portal::ended(state).map(Outcome::Answer).map_err(Refusal::Random)
}

fn host_refused(code: Code) -> Refusal {
    let detail = match code {
        Code::Misdirected => "PUBLIC_ORIGIN names the hosts that are served, besides this machine's own",
        _ => "The Host header must be a host, with a port or without, and that of the request's target",
    };
    Refusal::Problem { code, detail: Some(detail.into()), allow: None }
}

fn sizes(head: &Head<'_>, state: &State) -> Result<(), Code> {
    let limits = &state.config.limits;
    if head.url_bytes > limits.url_bytes as usize {
        return Err(Code::UriTooLong);
    }
    if head.header_bytes > limits.header_bytes as usize || head.header_count() > MAX_HEADERS {
        return Err(Code::HeadersTooLarge);
    }
    Ok(())
}

/// An answer to a loop would feed it: it ends here, before it costs anybody a limit (RFC 8586).
fn comes_from_outside(head: &Head<'_>, state: &State) -> Result<(), Code> {
    match head.header("cdn-loop") {
        Some(passed) if state.passage.is_loop(passed) => Err(Code::LoopDetected),
        _ => Ok(()),
    }
}

fn signs_in(target: &Target<'_>) -> bool {
    match target {
        Target::Api(route, _) => matches!(route.class, Class::Auth | Class::Password),
        Target::Form(form) => form.signs_in(),
        Target::Page(page) => page.signs_in(),
        _ => false,
    }
}

fn api(
    head: &Head<'_>,
    route: &Route,
    operation: Operation,
    now_ms: u64,
    state: &mut State,
    spent: &mut Spent,
) -> Result<Outcome, Refusal> {
    let caller = match operation.access() {
        // Nobody comes from outside as the edge itself; the portal has pages and no API.
        Access::Edge | Access::Portal => return Err(Code::NotFound.into()),
        Access::Public => {
            csrf::same_origin(head, &state.own_origin(head)?)?;
            None
        }
        Access::Principal
        | Access::Session
        | Access::Needs(_)
        | Access::SessionNeeds(_)
        | Access::Operator => {
            let caller = authenticated(head, now_ms, state)?;
            if let Operation::VerifyPrincipal { .. } = operation {
                return auth_check(head, caller, now_ms, state, spent);
            }
            if caller.cookie && head.is_safe() {
                csrf::not_cross_site(head)?;
            } else if caller.cookie {
                csrf::same_origin(head, &state.own_origin(head)?)?;
                csrf::token(head.header("x-csrf-token"), caller.session(), state)
                    .map_err(|code| because(code, "send X-CSRF-Token from GET /v1/me"))?;
            }
            principal_limit(&caller, now_ms, state, spent)?;
            Some(caller)
        }
    };
    let body_cap = match route.body {
        Body::None => None,
        Body::Json => {
            json_type(head)?;
            Some(state.config.limits.json_body_bytes)
        }
        Body::OptionalJson => {
            if head.header("content-type").is_some() {
                json_type(head)?;
            }
            Some(state.config.limits.json_body_bytes)
        }
        // Escaped, or spread over lines, a payload is no larger than twice itself.
        Body::Message => {
            json_type(head)?;
            Some(state.config.limits.message_bytes.saturating_mul(2))
        }
        Body::Stream => Some(state.config.limits.proxy_body_bytes),
    };
    if let Some(cap) = body_cap {
        length(head, cap)?;
    }
    let idempotency_key = idempotency_key(head)?;
    Ok(Outcome::Task(Task::Forward(Forward {
        principal: caller.as_ref().map_or(Principal::Anonymous, Caller::principal),
        caller,
        operation,
        idempotency_key,
        body_cap,
    })))
}

/// `/v1/auth/check`, forward auth: from memory, where that vouches and no lease is needed.
fn auth_check(
    head: &Head<'_>,
    caller: Caller,
    now_ms: u64,
    state: &mut State,
    spent: &mut Spent,
) -> Result<Outcome, Refusal> {
    if caller.cookie {
        csrf::forwarded(head, &state.own_origin(head)?)?;
    }
    let ahead = edge_limit(&caller, now_ms, state, spent)?;
    if ahead.is_none() {
        let ip = state.client_ip(head);
        match check::recall(&caller, None, ip, now_ms, state) {
            Some(Ok(good)) => return Ok(Outcome::Answer(check::answer(&good))),
            Some(Err(refused)) => return Err(refused.into()),
            None => {}
        }
    }
    Ok(Outcome::Task(Task::Check { caller, ahead }))
}

/// The source of an id that was issued here. Any other ends here: nobody wakes an object with it.
fn source(id: &str, state: &State) -> Result<SourceId, Code> {
    tokens::parse_source_id(&state.mac, id).map_err(|_| Code::NotFound)?;
    SourceId::parse(id).map_err(|_| Code::NotFound)
}

fn inbound(
    head: &Head<'_>,
    source: SourceId,
    now_ms: u64,
    state: &mut State,
    spent: &mut Spent,
) -> Result<Outcome, Refusal> {
    // Until its signature is known, it counts against its sender: nobody uses up what the source's provider needs.
    state.limits.count_unverified(state.client_ip(head), auth::table_key(source.as_str()), now_ms, spent)?;
    if head.is_safe() {
        let query = head.query.to_owned();
        return Ok(Outcome::Task(Task::UrlCheck { source, head: head.method == "HEAD", query }));
    }
    length(head, state.config.limits.webhook_body_bytes)?;
    Ok(Outcome::Task(Task::Webhook { source, path_and_query: path_and_query(head) }))
}

fn authenticated(head: &Head<'_>, now_ms: u64, state: &mut State) -> Result<Caller, Refused> {
    match auth::authenticate(head, now_ms, state) {
        Ok(Some(caller)) => Ok(caller),
        _ => Err(unauthenticated(head, state)),
    }
}

fn unauthenticated(head: &Head<'_>, state: &State) -> Refused {
    Refused::new(Code::Unauthenticated, explain::wrong(head, &state.key_format))
}

fn principal_limit(
    caller: &Caller,
    now_ms: u64,
    state: &mut State,
    spent: &mut Spent,
) -> Result<(), Limited> {
    let key = caller.identity.limiter_key;
    let most_ms = u64::from(state.config.revocation.max_staleness_seconds) * 1000;
    if let Some(quota) = caller.identity.fresh_quota(now_ms, most_ms) {
        return state.limits.own.count_by(key, quota, now_ms, spent);
    }
    let limit = if caller.session().is_some() { &mut state.limits.user } else { &mut state.limits.key };
    limit.count(key, now_ms, spent)
}

/// The principal's limit where no org's object counts the request: a quota of its own is spent from a lease. Returns
/// for how many requests a new one is to be asked for, where there is none left.
fn edge_limit(
    caller: &Caller,
    now_ms: u64,
    state: &mut State,
    spent: &mut Spent,
) -> Result<Option<u32>, Limited> {
    let Some(quota) = caller.identity.own_quota.get() else {
        return principal_limit(caller, now_ms, state, spent).map(|()| None);
    };
    match state.limits.leased.spend(caller.identity.limiter_key, now_ms) {
        Spend::Decided(decision) => spent.add_leased(quota, &decision).map(|()| None),
        Spend::Ask { ahead } => Ok(Some(ahead)),
    }
}

/// What a client sends by default that was told of no type is named.
fn json_type(head: &Head<'_>) -> Result<(), Refusal> {
    let is_form = |value: &str| value.starts_with("application/x-www-form-urlencoded");
    let words = if head.header("content-type").is_some_and(is_form) {
        "it is application/x-www-form-urlencoded, curl's default: add -H 'Content-Type: application/json'"
    } else {
        "send Content-Type: application/json"
    };
    media_type(head, "application/json").map_err(|code| because(code, words))
}

/// The body, where there is one, must say that it is of this type.
fn media_type(head: &Head<'_>, wanted: &str) -> Result<(), Code> {
    match head.header("content-type") {
        Some(value) => {
            let essence = value.split_once(';').map_or(value, |(essence, _)| essence);
            let essence = essence.trim_matches(WHITE_SPACE);
            if essence.eq_ignore_ascii_case(wanted) { Ok(()) } else { Err(Code::UnsupportedMediaType) }
        }
        None => {
            let empty = head.header("content-length").is_none_or(|length| length == "0")
                && head.header("transfer-encoding").is_none();
            if empty { Ok(()) } else { Err(Code::UnsupportedMediaType) }
        }
    }
}

/// A declared length over the cap is refused before a byte is read; an undeclared one is counted as it comes.
fn length(head: &Head<'_>, cap: u32) -> Result<(), Code> {
    match head.header("content-length").map(str::parse::<u64>) {
        None => Ok(()),
        Some(Ok(length)) if length <= u64::from(cap) => Ok(()),
        Some(Ok(_)) => Err(Code::PayloadTooLarge),
        Some(Err(_)) => Err(Code::InvalidRequest),
    }
}

fn idempotency_key(head: &Head<'_>) -> Result<Option<String>, Refusal> {
    let key = head.header("idempotency-key").filter(|_| !head.is_safe());
    if key.is_some_and(|key| !(1..=255).contains(&key.len()) || !key.bytes().all(|b| b.is_ascii_graphic())) {
        let detail = Detail::field("Idempotency-Key", "must be 1 to 255 visible ASCII characters");
        return Err(because(Code::InvalidRequest, detail));
    }
    Ok(key.map(str::to_owned))
}

fn client(head: &Head<'_>, state: &State) -> Client {
    Client {
        ip: state.client_ip(head).map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: head.header("user-agent").unwrap_or_default().chars().take(256).collect(),
        // No request comes this far without one.
        origin: state.own_origin(head).unwrap_or_default(),
        country: state.client_country(head),
    }
}

fn path_and_query(head: &Head<'_>) -> String {
    let question = if head.query.is_empty() { "" } else { "?" };
    [head.path, question, head.query].concat()
}

fn because(code: Code, detail: impl Into<Detail>) -> Refusal {
    Refusal::Problem { code, detail: Some(detail.into()), allow: None }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::Problem { code, detail: None, allow: None }
    }
}

impl From<Refused> for Refusal {
    fn from(Refused { code, detail }: Refused) -> Self {
        Self::Problem { code, detail, allow: None }
    }
}

impl From<Limited> for Refusal {
    fn from(Limited: Limited) -> Self {
        Code::RateLimited.into()
    }
}

impl From<route::NoTarget> for Refusal {
    fn from(route::NoTarget { code, detail, allow }: route::NoTarget) -> Self {
        Self::Problem { code, detail, allow }
    }
}

#[cfg(test)]
mod tests;
