import { Agent, request } from 'node:http'

/** Requests one after the other on one connection that is kept. */
export interface OneConnection extends AsyncDisposable {
  post(path: string, body: unknown): Promise<string>
}

export function connectionTo(url: string): OneConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    post: (path, body) =>
      new Promise((resolve, reject) => {
        const text = JSON.stringify(body)
        const headers = {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        }
        const sent = request(`${url}${path}`, { agent, method: 'POST', headers }, (response) => {
          let answer = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            answer += chunk
          })
          response.on('end', () =>
            response.statusCode === 200 ? resolve(answer) : reject(new Error(answer)),
          )
        })
        sent.on('error', reject)
        sent.end(text)
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(agent.destroy()),
  }
}
