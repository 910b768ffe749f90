import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Project } from '../src/project.ts'

const Container = Type.Object({
  Config: Type.Object({ User: Type.String(), Env: Type.Array(Type.String()) }),
  HostConfig: Type.Object({
    Privileged: Type.Boolean(),
    ReadonlyRootfs: Type.Boolean(),
    CapAdd: Type.Union([Type.Null(), Type.Array(Type.String())]),
    CapDrop: Type.Union([Type.Null(), Type.Array(Type.String())]),
    SecurityOpt: Type.Union([Type.Null(), Type.Array(Type.String())]),
    PidMode: Type.String(),
    NetworkMode: Type.String(),
  }),
})

/** What docker was told to run, of a container that may have ended. */
export async function inspectContainer(project: Project, service: string) {
  const text = await project.docker('container', 'inspect', project.container(service))
  const [container] = Value.Parse(Type.Array(Container), JSON.parse(text))
  if (!container) throw new Error(`there is no container of ${service}`)
  return container
}

/** Who process 1 of a running container is, and what it may, as the kernel says. */
export async function rightsOf(project: Project, service: string) {
  const text = await project.compose('exec', '-T', service, 'cat', '/proc/1/status')
  const lines = text.split('\n').map((line) => line.split(/:?\s+/))
  const value = (name: string): string | undefined => lines.find(([key]) => key === name)?.[1]
  return {
    uid: Number(value('Uid')),
    gid: Number(value('Gid')),
    capabilities:
      Number.parseInt(`${value('CapBnd')}`, 16) + Number.parseInt(`${value('CapEff')}`, 16),
    noNewPrivileges: value('NoNewPrivs') === '1',
  }
}

// Whether a folder can be written shows when something is: tests of it differ between shells.
const findWritable = `find / \\( -path /proc -o -path /sys \\) -prune -o -type d -print 2>/dev/null |
while read -r folder; do
  if true 2>/dev/null >"$folder/.probe"; then rm -f "$folder/.probe"; echo "$folder"; fi
done`

/** Folders in which a running container can write, without those below another. */
export async function writableFolders(project: Project, service: string): Promise<string[]> {
  const found = await project.compose('exec', '-T', service, 'sh', '-c', findWritable)
  const folders = found.split('\n').filter((folder) => folder !== '')
  return folders
    .filter((folder) => !folders.some((other) => folder.startsWith(`${other}/`)))
    .toSorted()
}
