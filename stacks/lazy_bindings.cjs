// Makes Node load the modules of the AWS bindings one by one when they are first used, not all 2,200 at once, and the
// library that zips assets with the first asset, of which the stacks have none. Read by the jsii kernel's Node through
// NODE_OPTIONS, see bindings.py. Any other file is left as it is, and so are these where they do not look as expected.
"use strict";

const { Module } = require("module");

const LAZY = [
  {
    // cdktf's line, or cdktn's: exports.s3Bucket = __importStar(require("./s3-bucket/index"));
    file: /[\\/]@cdkt[fn][\\/]provider-aws[\\/]lib[\\/]index\.js$/,
    plain: /^exports\.(\w+) = (require\("\.\/[\w-]+"\)|__importStar\(require\("\.\/[\w-]+\/index"\)\));$/gm,
    lazy: 'Object.defineProperty(exports, "$1", { configurable: true, enumerable: true, get: () => $2 });',
  },
  {
    file: /[\\/]cdkt[fn][\\/]lib[\\/]private[\\/]fs\.js$/,
    plain: /^const archiver = require\("archiver"\);$/m,
    lazy: 'const archiver = (...options) => require("archiver")(...options);',
  },
];

const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...rest) {
  const found = LAZY.find(({ file }) => file.test(filename));
  return compile.call(this, found ? content.replace(found.plain, found.lazy) : content, filename, ...rest);
};
