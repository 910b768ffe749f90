export interface AgentConfigOptions {
  nodeId: string
  /** Gossip addresses of other agents. */
  bootstrap: readonly string[]
  api: string
  prometheus: string
  token: string
}

/** The canonical configuration of an agent in a container. */
export function agentConfig(options: AgentConfigOptions): string {
  const { nodeId, bootstrap, api, prometheus, token } = options
  // JSON's strings and lists of strings are TOML's too.
  return `# Corrosion agent of ${nodeId}, written by deploy agent-config. Secret: it holds the agent's token.

[db]
path = "/var/lib/corrosion/corrosion.db"
schema_paths = ["/etc/corrosion/schemas"]
cache_size_kib = -65536 # 64 MiB; Corrosion's own default is 1 GiB per agent

[gossip]
addr = "0.0.0.0:8787" # UDP
client_addr = "0.0.0.0:0" # the default needs IPv6
bootstrap = ${JSON.stringify(bootstrap)}
plaintext = true

[api]
addr = ${JSON.stringify(api)}
authz = { bearer-token = ${JSON.stringify(token)} }

[admin]
path = "/run/corrosion/admin.sock"

[telemetry]
prometheus.addr = ${JSON.stringify(prometheus)}

[log]
format = "json"
colors = false
`
}
