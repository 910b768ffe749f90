import { setUpHttp } from './http-setup.ts'

// An HTTP API with a query that does not end, to be killed.
const api = await setUpHttp()
const sql = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c'
await api.open({ path: '/v1/queries?timeout=0', body: sql })
process.stdout.write('stuck\n')
