// Calls from standard input through the vendor's Node client, results to output; the forms are pangea_driver.py's.
'use strict'
const { AIGuardService, PromptGuardService, RedactService, PangeaConfig, PangeaErrors } = require('pangea-node-sdk')

const SERVICES = { AIGuard: AIGuardService, PromptGuard: PromptGuardService, Redact: RedactService }
const METHODS = {
  guard_text: 'guardText',
  guard: 'guard',
  redact: 'redact',
  redact_structured: 'redactStructured',
  unredact: 'unredact'
}

// The methods whose first argument is the content itself.
const CONTENT = { redact: 'text', redact_structured: 'data' }

function argumentsOf (call) {
  const name = CONTENT[call.method]
  if (name === undefined) return [call.arguments, call.options]
  const { [name]: content, ...options } = call.arguments
  return [content, options]
}

async function result (call) {
  const config = new PangeaConfig({ baseUrlTemplate: process.env.DRIVER_URL })
  const service = new SERVICES[call.service](process.env.DRIVER_TOKEN, config)
  try {
    const response = await service[METHODS[call.method]](...argumentsOf(call))
    const { request_id, status, summary } = response
    return { request_id, status, summary, result: response.result }
  } catch (error) {
    if (error instanceof PangeaErrors.APIError) {
      return { raised: error.constructor.name, status: error.response.status, errors: error.errors }
    }
    return { raised: error.constructor.name, message: error.message }
  }
}

async function main () {
  let input = ''
  for await (const chunk of process.stdin) input += chunk
  const results = []
  for (const call of JSON.parse(input)) results.push(await result(call))
  process.stdout.write(JSON.stringify(results))
}

main()
