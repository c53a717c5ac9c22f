//! A report becomes displays: figures as SVG and PNG, tables as HTML, Markdown, LaTeX and text.
//!
//! To add a MIME type: its function and a line where the bundle is put together.

/// One display in every form that frontends take: data and metadata by MIME type.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bundle {
    /// By MIME type; text as strings, binary as base64 strings.
    pub data: serde_json::Map<String, serde_json::Value>,
    /// By MIME type, such as a picture's width and height.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}
