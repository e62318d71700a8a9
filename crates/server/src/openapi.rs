//! The OpenAPI 3.1 document, made from the handlers; `docs/openapi.json` is its committed copy.

use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
};

pub(crate) fn about() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Billfold account server")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Calls under /api/v1 need a DPoP-bound access token (RFC 9449). Errors are problem details (RFC 9457).",
        ))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// The whole document. What any call may be refused with is said once, as each call's default answer.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = crate::routes().into_openapi();
    for (path, item) in &mut document.paths.paths {
        let calls = [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete];
        for call in calls.into_iter().flatten() {
            let answers = &mut call.responses.responses;
            for answer in answers.values_mut() {
                if let RefOr::T(answer) = answer
                    && let Some(RefOr::T(content)) = answer.content.get(JSON)
                    && content.schema == Some(problem())
                {
                    *answer = refusal(&answer.description);
                }
            }
            if path.starts_with("/api/") || (path.starts_with("/merchant/") && path != api::purchases::TOKEN_PATH) {
                answers.insert("default".to_owned(), RefOr::T(refusal("Refused: the code in the body says why")));
            } else if path.starts_with("/sign-in") {
                // Pages say it in words, what pages call in codes.
                let mut refused = refusal("A page that says why not, or a code for the page that called");
                refused.content.insert("text/html".to_owned(), ContentBuilder::new().build().into());
                answers.insert("default".to_owned(), RefOr::T(refused));
            } else if path.starts_with("/support") {
                let mut refused = refusal("Refused, or nobody may help from where the call came");
                refused.content.insert("text/html".to_owned(), ContentBuilder::new().build().into());
                answers.insert("default".to_owned(), RefOr::T(refused));
            }
        }
    }
    document
}

const JSON: &str = "application/json";

fn problem() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name("Problem"))
}

fn refusal(description: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(problem())).build();
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

/// The document as it is committed.
pub fn text() -> Result<String, serde_json::Error> {
    document().to_pretty_json()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_document_is_current() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let committed = std::fs::read_to_string(file).unwrap_or_default();
        let current = super::text().unwrap();
        assert!(
            committed.trim_end() == current.trim_end(),
            "docs/openapi.json is stale: run `cargo run -p server -- openapi > docs/openapi.json`"
        );
    }
}
