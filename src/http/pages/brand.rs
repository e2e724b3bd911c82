//! The name, the logo and the colour of the pages, and the files that the pages load.

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;

use crate::domain::{self, LogoForm};
use crate::http::refusal::Kind;
use crate::http::{Answer, Api, Call, conditional, respond};
use crate::keys::Published;

const STYLE: &str = include_str!("../../../web/pages/pages.css");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");
const PNG: HeaderValue = HeaderValue::from_static("image/png");
const WEBP: HeaderValue = HeaderValue::from_static("image/webp");
/// The logo if the operator has none.
const LOGO: &[u8] = include_bytes!("../../../web/docs/favicon.svg");

/// The name for the pages, and the files that they load, prepared once.
pub(in crate::http) struct Brand {
    pub(super) name: String,
    style: Published,
    logo_type: HeaderValue,
    logo: Published,
}

impl Brand {
    pub(in crate::http) fn new(settings: &domain::Brand) -> Self {
        let domain::Brand { name, color, logo } = settings;
        let colors = format!(":root {{ --brand: {color}; --on-brand: {}; }}\n", color.readable_ink());
        let (logo_type, logo) = match logo {
            Some(logo) => (type_of(logo.form), Published::new(logo.bytes.clone())),
            None => (SVG, Published::new(LOGO)),
        };
        Self { name: name.clone(), style: Published::new(format!("{colors}{STYLE}")), logo_type, logo }
    }
}

fn type_of(form: LogoForm) -> HeaderValue {
    match form {
        LogoForm::Svg => SVG,
        LogoForm::Png => PNG,
        LogoForm::WebP => WEBP,
    }
}

/// The style and the logo.
pub(in crate::http) async fn get_page_asset(api: Api, call: Call) -> Answer {
    let brand = api.brand();
    let (content_type, asset) = match call.parameter("file") {
        Some("pages.css") => (CSS, &brand.style),
        Some("logo") => (brand.logo_type.clone(), &brand.logo),
        _ => return Err(Kind::NotFound(call.request.uri().path().to_owned()).into()),
    };
    let answer = respond::with_type(StatusCode::OK, content_type, Bytes::clone(&asset.body));
    Ok(conditional::tagged(call.request.headers(), &asset.etag, answer))
}
