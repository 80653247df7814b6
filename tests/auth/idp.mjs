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
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_ctx, resource) => ({
          scope: given.scopes.join(' '), audience: resource, accessTokenTTL: 600,
          accessTokenFormat: given.format, jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  server.on('request', provider.callback());
  console.log(issuer);
});
