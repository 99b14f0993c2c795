// An app as somebody would write it in JavaScript, with a construct for each resource: what any program on cdktf takes.
// Run as `node app.cjs <resources.json> <output folder>`; javascript.py writes the resources.
"use strict";

const fs = require("fs");
const { App, S3Backend, TerraformStack } = require("cdktf");
const { AwsProvider } = require("@cdktf/provider-aws/lib/provider");

const [resources, outdir] = process.argv.slice(2);
const OVERRIDES = ["depends_on", "for_each"];

const camel = (name) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
const written = (value) => {
  if (Array.isArray(value)) return value.map(written);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [camel(name), name === "tags" ? inner : written(inner)]),
  );
};

function add(stack, type, name, given, folder) {
  const module = require(`@cdktf/provider-aws/lib/${folder}`);
  const kind = Object.values(module).find((one) => one.tfResourceType === type);
  const plain = Object.fromEntries(Object.entries(given).filter(([key]) => !OVERRIDES.includes(key)));
  const element = new kind(stack, `${folder}.${name}`, written(plain));
  element.overrideLogicalId(name);
  for (const key of OVERRIDES) if (key in given) element.addOverride(key, given[key]);
}

const app = new App({ outdir });
for (const [id, { provider, backend, resource, data }] of Object.entries(JSON.parse(fs.readFileSync(resources)))) {
  const stack = new TerraformStack(app, id);
  new S3Backend(stack, written(backend));
  new AwsProvider(stack, "aws", written(provider));
  for (const [prefix, types] of [["", resource], ["data-aws-", data]])
    for (const [type, named] of Object.entries(types))
      for (const [name, given] of Object.entries(named))
        add(stack, type, name, given, prefix + type.replace(/^aws_/, "").replaceAll("_", "-"));
}
app.synth();
