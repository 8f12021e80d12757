// A certified OpenID Provider (npm `oidc-provider`) as a municipality has one, on loopback.
//
// What it is told on its standard input: {issuer, port, keys, clients, audience}. Its login form takes whatever the test
// says of the person ({account, acr, amr, claims}), so that a test decides who signs in, and how strongly. It ends with
// its standard input, so it never outlives the tests.
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const told = await new Promise((resolve) => {
  let read = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (part) => {
    read += part
    if (read.endsWith('\n')) resolve(read)
  })
  process.stdin.on('end', () => process.exit())
})
const { issuer, port, keys, clients, audience } = JSON.parse(told)
const people = new Map()

const provider = new Provider(issuer, {
  clients,
  jwks: { keys },
  pkce: { required: () => true },
  conformIdTokenClaims: false,
  acrValues: ['loa2', 'loa3'],
  claims: { openid: ['sub', 'acr', 'amr', 'sid', 'realm_access'], profile: ['name'] },
  cookies: { keys: ['not a secret: for tests'] },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: 'hulpvragen', audience, accessTokenFormat: 'jwt' }),
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = `<!doctype html><html lang="nl"><title>Afmelden</title><main><h1>Afmelden?</h1>${form}
          <button form="op.logoutForm" name="logout" value="yes">Ja, afmelden</button></main></html>`
      },
    },
  },
  // Its own way refuses every address on this machine
  fetch: (url, { method, headers, body, signal }) => fetch(url, { method, headers, body, signal }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  extraTokenClaims: (_, token) => people.get(token.accountId)?.claims ?? { realm_access: { roles: ['kring-consulent'] } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...people.get(id)?.claims }) }),
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc
    const given = session.grantIdFor(client.clientId)
    if (given) return provider.Grant.find(given)
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope('openid profile')
    grant.addResourceScope(audience, 'hulpvragen')
    await grant.save()
    return grant
  },
})

const served = provider.callback()
const page = (uid) => `<!doctype html><html lang="nl"><title>Gemeente-account</title><main><h1>Gemeente-account</h1>
<form method="post" action="/interaction/${uid}"><label>Wie bent u?<input name="person" type="text"></label>
<button>Aanmelden</button></form></main></html>`

async function login (request, response) {
  if (request.method === 'GET') {
    const { uid } = await provider.interactionDetails(request, response)
    response.setHeader('content-type', 'text/html; charset=utf-8')
    return response.end(page(uid))
  }
  let body = ''
  for await (const part of request) body += part
  const person = JSON.parse(new URLSearchParams(body).get('person'))
  if (person.error) {
    return provider.interactionFinished(request, response, { error: person.error, error_description: 'nee' })
  }
  people.set(person.account, person)
  const { account, acr, amr } = person
  return provider.interactionFinished(request, response, { login: { accountId: account, acr, amr } })
}

createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) return served(request, response)
  return login(request, response).catch((error) => {
    response.statusCode = 500
    response.end(String(error))
  })
}).listen(port, '127.0.0.1', () => console.log('listening'))
