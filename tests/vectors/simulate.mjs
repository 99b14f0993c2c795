// Reads requests as JSON lines, prints what iam-simulate answers to each. Run by record.py, with the library beside it.
import { createInterface } from 'node:readline'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

const named = (policy, index) => ({ name: `p${index}`, policy })
const levels = (chain) => chain.map((policies, index) => ({ orgIdentifier: `l${index}`, policies: policies.map(named) }))

// What AWS puts on every level of RCPs; the library adds it itself where it checks its input.
const everything = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }],
}

async function answer(one) {
  const simulation = {
    request: {
      principal: one.session ?? one.principal,
      action: one.action,
      resource: { resource: one.resource, accountId: one.account },
      contextVariables: one.context,
    },
    identityPolicies: one.identity.map(named),
    serviceControlPolicies: levels(one.scp),
    resourceControlPolicies: levels(one.free ? one.rcp.map((level) => [...level, everything]) : one.rcp),
    resourcePolicy: one.resource_policy ?? undefined,
    permissionBoundaryPolicies: one.boundary ? [named(one.boundary, 0)] : undefined,
  }
  if (one.free) return runUnsafeSimulation(simulation, { simulationMode: 'Strict' })
  const found = await runSimulation(simulation, { simulationMode: 'Strict' })
  if (found.errors) return `error ${JSON.stringify(found.errors)}`
  const ignored = found.result?.ignoredContextKeys ?? []
  return ignored.length ? `ignored ${ignored}` : found.overallResult
}

for await (const line of createInterface({ input: process.stdin })) {
  let result
  try {
    result = await answer(JSON.parse(line))
  } catch (error) {
    result = `error ${error.message}`
  }
  console.log(JSON.stringify(result))
}
