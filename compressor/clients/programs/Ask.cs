// Ask an ONNX model by onnxruntime's C# interface: rows of token ids in, raw outputs out.
//
//     mcs -langversion:experimental -r:Microsoft.ML.OnnxRuntime.dll Ask.cs
//     mono Ask.exe bundle/onnx/model.onnx < rows.txt
//
// What it reads and prints is what ask.c reads and prints: a row is two lines of numbers, its token ids and the number of
// the text each token belongs to; the version comes first, then a line of JSON for each row.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Microsoft.ML.OnnxRuntime;

class Ask {
  static long[] ReadNumbers() {
    string line = Console.ReadLine();
    return line == null ? null : line.Split(new[] {' '}, StringSplitOptions.RemoveEmptyEntries).Select(long.Parse).ToArray();
  }

  static string Number(float value) {
    bool finite = !float.IsNaN(value) && !float.IsInfinity(value);
    return finite ? value.ToString("G9", CultureInfo.InvariantCulture) : "null";
  }

  static string Shown(string name, OrtValue value) {
    var dims = string.Join(", ", value.GetTensorTypeAndShape().Shape);
    var data = string.Join(", ", value.GetTensorDataAsSpan<float>().ToArray().Select(Number));
    return "\"" + name + "\": {\"dims\": [" + dims + "], \"data\": [" + data + "]}";
  }

  static int Main(string[] arguments) {
    if (arguments.Length != 1) {
      Console.Error.WriteLine("usage: Ask MODEL.onnx < rows.txt");
      return 2;
    }
    try {
      Console.WriteLine(OrtEnv.Instance().GetVersionString());
      using (var options = new SessionOptions())
      using (var session = new InferenceSession(arguments[0], options))
      using (var run = new RunOptions())
        while (ReadNumbers() is long[] ids && ReadNumbers() is long[] types) {
          var mask = Enumerable.Repeat(1L, ids.Length).ToArray();
          var known = new Dictionary<string, long[]> {
            ["input_ids"] = ids, ["attention_mask"] = mask, ["token_type_ids"] = types,
          };
          var shape = new long[] {1, ids.Length};
          var inputs = session.InputNames.Select(name => OrtValue.CreateTensorValueFromMemory(known[name], shape)).ToArray();
          using (var outputs = session.Run(run, session.InputNames, inputs, session.OutputNames))
            Console.WriteLine("{" + string.Join(", ", session.OutputNames.Zip(outputs, Shown)) + "}");
          foreach (var input in inputs) input.Dispose();
        }
    } catch (OnnxRuntimeException error) {
      Console.Error.WriteLine(error.Message);
      return 1;
    }
    return 0;
  }
}
