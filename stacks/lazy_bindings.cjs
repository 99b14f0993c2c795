// Makes Node load the modules of the AWS bindings one by one when they are first used, not all 2,200 at once.
// Read by the jsii kernel's Node through NODE_OPTIONS, see bindings.py. Any other file is left as it is, and so is
// the bindings' index where it does not look as expected.
"use strict";

const { Module } = require("module");

const INDEX = /[\\/]@cdkt[fn][\\/]provider-aws[\\/]lib[\\/]index\.js$/;
// cdktf's line, or cdktn's: exports.s3Bucket = __importStar(require("./s3-bucket/index"));
const EXPORT = /^exports\.(\w+) = (require\("\.\/[\w-]+"\)|__importStar\(require\("\.\/[\w-]+\/index"\)\));$/gm;
const GETTER = 'Object.defineProperty(exports, "$1", { configurable: true, enumerable: true, get: () => $2 });';

const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...rest) {
  return compile.call(this, INDEX.test(filename) ? content.replace(EXPORT, GETTER) : content, filename, ...rest);
};
