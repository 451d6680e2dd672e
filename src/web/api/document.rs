//! The OpenAPI document. Paths come from the handlers; the schemas of bodies and answers from the same types and the
//! same generator as every other schema of landfall's, since OpenAPI 3.1 takes JSON Schema as it is.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::{Class, Mark};
use crate::web::daemon::{
    Change, Fired, MuteView, PauseView, ProbeView, Reloaded, Resumed, RunPage, Status, StoreView, Unmuted,
};
use crate::web::site::Shared;

/// Where the schemas stand in the document.
const SCHEMAS: &str = "/components/schemas";
/// The statuses of problems that every endpoint may answer.
const ALWAYS: [&str; 7] = ["400", "401", "403", "404", "429", "500", "503"];
/// Those of endpoints that take a body.
const WRITING: [&str; 5] = ["408", "409", "413", "415", "422"];

macro_rules! documented {
    ($contract:ident: $($type:ty),+ $(,)?) => {
        $(
            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    RefOr::Ref(Ref::from_schema_name(Self::name()))
                }
            }
            impl ToSchema for $type {
                fn name() -> Cow<'static, str> {
                    <$type as JsonSchema>::schema_name()
                }
            }
        )+
        fn $contract(settings: SchemaSettings) -> Map<String, Value> {
            let mut generator = settings.with(|s| SCHEMAS.clone_into(&mut s.definitions_path.to_mut())).into_generator();
            $(generator.subschema_for::<$type>();)+
            generator.take_definitions(true)
        }
    };
}

documented!(answers:
    Status, ProbeView, Fired, PauseView, Resumed, Reloaded, RunPage, Change, Mark, StoreView, super::problem::Details,
    super::system::ChannelList, super::probes::ProbeList, super::runs::RunAnswer,
    super::marks::MarkList, super::alerts::AlertList, super::alerts::MuteList, super::alerts::DestinationList,
    MuteView, Unmuted,
     crate::report::around::Neighbours, crate::report::around::OpenRun,
    crate::report::twins::Twins,
    crate::report::series::History, super::history::CausesAnswer, super::history::PathsAnswer,
);

documented!(bodies:
    super::body::Nothing, super::probes::FireAsk, super::probes::PauseAsk, super::probes::ResumeAsk,
    super::marks::MarkAsk, super::alerts::MuteAsk,
);

/// The OpenAPI 3.1 document of the API.
#[must_use]
pub fn document() -> Value {
    let (_, described) = super::described().split_for_parts();
    // A document of strings, lists and maps always serialises.
    let mut document = serde_json::to_value(&described).unwrap_or_default();
    document["info"] = json!({
        "title": "landfall",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Probes, routes and runs of a landfall daemon. Errors are problem details (RFC 9457).",
        "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
    });
    document["servers"] = json!([{ "url": "/" }]);
    document["security"] = json!([{ "token": [] }, { "session": [] }]);
    let mut schemas = answers(SchemaSettings::draft2020_12().for_serialize());
    schemas.extend(bodies(SchemaSettings::draft2020_12().for_deserialize()));
    document["components"] = json!({
        "schemas": schemas,
        "responses": { "Problem": {
            "description": "What is wrong, and what to do",
            "content": { "application/problem+json": { "schema": { "$ref": format!("#{SCHEMAS}/Problem") } } },
        } },
        "securitySchemes": {
            "token": {
                "type": "http", "scheme": "bearer",
                "description": "A token of `api: tokens:` in landfall.yaml; `landfall token new` makes one. Its scope `read` looks, `operate` also acts. Where none is declared, a listener on loopback asks for none.",
            },
            "session": {
                "type": "apiKey", "in": "cookie", "name": "landfall",
                "description": "What signing in to the pages sets; over https it is called `__Host-landfall`.",
            },
        },
    });
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.values_mut().for_each(complete);
    }
    document
}

/// Adds to the operations of a path what all have in common.
fn complete(path: &mut Value) {
    for operation in path.as_object_mut().into_iter().flat_map(Map::values_mut) {
        let writes = operation.get("requestBody").is_some();
        let statuses = ALWAYS.iter().chain(WRITING.iter().filter(|_| writes));
        for status in statuses {
            operation["responses"][*status] = json!({ "$ref": "#/components/responses/Problem" });
        }
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let single = parameter["in"] == "path";
            if let Some(schema) = parameter_schema(name).filter(|s| !single || s["type"] == "string") {
                parameter["schema"] = schema;
            }
        }
    }
}

/// What parameters take, closer than their Rust types say it. Absent is the one way to leave a parameter out, so none
/// of them is null.
fn parameter_schema(name: &str) -> Option<Value> {
    let several = |items: Value| json!({ "type": "array", "items": items });
    Some(match name {
        "probe" | "route" | "input" => several(json!({ "type": "string" })),
        "class" => several(json!({ "type": "string", "enum": Class::ALL.map(Class::word) })),
        "label" => several(json!({ "type": "string", "pattern": "^[^=]+=.*$" })),
        "since" | "until" => json!({ "type": "string", "format": "date-time" }),
        "cursor" => {
            json!({ "type": "string", "pattern": "^-?[0-9]{1,18}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" })
        }
        "run" | "twin" => json!({ "type": "string", "format": "uuid" }),
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 500 }),
        "after" | "Last-Event-ID" => json!({ "type": "integer", "minimum": 0 }),
        _ => return None,
    })
}

/// The document as it is served.
pub(super) async fn serve(State(_): State<Shared>) -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}
