//! The OpenAPI 3.1 document, made from the handlers; `docs/openapi.json` is its committed copy.

use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

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

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    crate::routes().into_openapi()
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
