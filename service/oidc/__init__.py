"""OpenID Connect: what Kring knows of each municipality's identity provider, and how it believes what that says.

`config` reads the file of providers, `tokens` is the one place where a token is believed, `documents` keeps what a
provider publishes, `provider` does the talking. Nothing here knows a database or a page: `service.sign_in` decides what
a person who was recognised may do.

Authlib makes the requests (PKCE, client authentication) and checks the claims of ID tokens. Its Starlette integration
is left aside: that keeps state and nonce in a session cookie, so a state could be used twice, takes the algorithms from
the provider's own document, and fetches the keys again for every unknown key id, as often as anybody asks.
"""
