// Copyright: (c) 2026, the virtbridge maintainers
// SPDX-License-Identifier: GPL-3.0-or-later
// A real identity provider on a free loopback port. Arguments: the provider's module, a file with
// {keys, clients, resources, format}. It prints its issuer.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';

const { default: Provider } = await import(process.argv[2]);
const given = JSON.parse(readFileSync(process.argv[3], 'utf8'));
const server = createServer().listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: given.keys },
    clients: given.clients,
    scopes: given.scopes,
    pkce: { required: () => true },
    findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_ctx, resource) => ({
          scope: given.scopes.join(' '), audience: resource, accessTokenTTL: 600,
          accessTokenFormat: given.format, jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  // Who logs in is who the request hints at, and says yes to everything.
  const agree = async (request, response) => {
    const { prompt, params } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      const login = { accountId: params.login_hint };
      return provider.interactionFinished(request, response, { login });
    }
    const grant = new provider.Grant({ accountId: params.login_hint, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    grant.addResourceScope(params.resource, params.scope);
    const consent = { grantId: await grant.save() };
    return provider.interactionFinished(request, response, { consent });
  };
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    return agree(request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  console.log(issuer);
});
