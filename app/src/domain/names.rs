//! What the names of attributes say in Ferry's languages, where more than one part of it asks.

/// A name as names are compared: lower case, letters and digits only.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Plain names of e-mail addresses, the likeliest first.
pub const EMAIL: &[&str] = &[
    "email",
    "emailaddress",
    "emailaddress1",
    "mail",
    "contactemail",
    "primaryemail",
    "useremail",
    "customeremail",
    "correu",
    "correuelectrònic",
    "correuelectronic",
    "adreçaelectrònica",
    "adrecaelectronica",
    "correo",
    "correoelectrónico",
    "correoelectronico",
    "direcciónelectrónica",
    "direccionelectronica",
    "adresademail",
    "adresaemail",
    "adresăelectronică",
    "adresaelectronica",
    "poștăelectronică",
    "postaelectronica",
    "epost",
    "epostadress",
    "mejl",
    "mejladress",
    "correioeletrónico",
    "correioeletronico",
    "endereçoeletrónico",
    "enderecoeletronico",
    "endereçodeemail",
    "enderecodeemail",
];

/// Does a name speak of e-mail addresses? Also with words around that: `Work e-mail 2`.
pub fn is_email(name: &str) -> bool {
    let name = plain(name);
    EMAIL.iter().any(|known| name.contains(known))
}

#[cfg(test)]
mod tests {
    use super::is_email;

    #[test]
    fn addresses_are_known_in_every_language() {
        for name in [
            "E-mail",
            "Work e-mail 2",
            "Mejl",
            "E-post (privat)",
            "Adreça electrònica",
            "Correo electrónico",
            "Poștă electronică",
            "Endereço eletrónico",
        ] {
            assert!(is_email(name), "{name}");
        }
        for name in ["name", "Adreça", "postal code", "telefon"] {
            assert!(!is_email(name), "{name}");
        }
    }
}
