// Ask an ONNX model over onnxruntime's C API: rows of token ids in, raw outputs out.
//
//     cc ask.c -I onnxruntime/include -L onnxruntime/lib -lonnxruntime -o ask
//     ./ask bundle/onnx/model.onnx < rows.txt
//
// A row is two lines of numbers: its token ids, and the number of the text each token belongs to. Printed are the
// library's version, then a line of JSON for each row: {"logits": {"dims": [1, 2], "data": [0.1, 0.2]}}.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnxruntime_c_api.h"

#define MOST_NAMES 16

static const OrtApi *api;

static void check(OrtStatus *status) {
  if (!status) return;
  fprintf(stderr, "%s\n", api->GetErrorMessage(status));
  exit(1);
}

// The numbers of a line; NULL at the end of the file.
static int64_t *read_numbers(size_t *count) {
  char *line = NULL, *rest, *end;
  size_t room = 0;
  if (getline(&line, &room, stdin) < 0) return NULL;
  int64_t *numbers = malloc((strlen(line) / 2 + 1) * sizeof *numbers);
  for (*count = 0, rest = line;; rest = end, ++*count) {
    numbers[*count] = strtoll(rest, &end, 10);
    if (end == rest) break;
  }
  free(line);
  return numbers;
}

static void print_output(const char *name, OrtValue *value) {
  OrtTensorTypeAndShapeInfo *info;
  int64_t dims[8];
  size_t rank, count;
  float *data;
  check(api->GetTensorTypeAndShape(value, &info));
  check(api->GetDimensionsCount(info, &rank));
  check(api->GetDimensions(info, dims, rank));
  check(api->GetTensorShapeElementCount(info, &count));
  check(api->GetTensorMutableData(value, (void **)&data));
  printf("\"%s\": {\"dims\": [", name);
  for (size_t i = 0; i < rank; ++i) printf("%s%lld", i ? ", " : "", (long long)dims[i]);
  printf("], \"data\": [");
  for (size_t i = 0; i < count; ++i) printf(isfinite(data[i]) ? "%s%.9g" : "%snull", i ? ", " : "", data[i]);
  printf("]}");
  api->ReleaseTensorTypeAndShapeInfo(info);
}

int main(int argc, char **argv) {
  OrtEnv *env;
  OrtSessionOptions *options;
  OrtSession *session;
  OrtMemoryInfo *memory;
  OrtAllocator *allocator;
  char *inputs[MOST_NAMES], *outputs[MOST_NAMES];
  size_t input_count, output_count, length, type_count;
  int64_t *ids, *types;

  if (argc != 2) return fprintf(stderr, "usage: ask MODEL.onnx < rows.txt\n"), 2;
  api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
  if (!api) return fprintf(stderr, "the library is older than its header (API %d)\n", ORT_API_VERSION), 1;
  check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "ask", &env));
  check(api->CreateSessionOptions(&options));
  check(api->CreateSession(env, argv[1], options, &session));
  check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  check(api->GetAllocatorWithDefaultOptions(&allocator));
  check(api->SessionGetInputCount(session, &input_count));
  check(api->SessionGetOutputCount(session, &output_count));
  if (input_count > MOST_NAMES || output_count > MOST_NAMES) return fprintf(stderr, "too many inputs or outputs\n"), 1;
  for (size_t i = 0; i < input_count; ++i) check(api->SessionGetInputName(session, i, allocator, &inputs[i]));
  for (size_t i = 0; i < output_count; ++i) check(api->SessionGetOutputName(session, i, allocator, &outputs[i]));
  printf("%s\n", OrtGetApiBase()->GetVersionString());

  while ((ids = read_numbers(&length)) && (types = read_numbers(&type_count))) {
    OrtValue *given[MOST_NAMES] = {NULL}, *found[MOST_NAMES] = {NULL};
    int64_t shape[] = {1, (int64_t)length}, *mask = malloc(length * sizeof *mask);
    if (type_count != length) return fprintf(stderr, "a row's two lines are of unlike length\n"), 1;
    for (size_t i = 0; i < length; ++i) mask[i] = 1;
    for (size_t i = 0; i < input_count; ++i) {
      int64_t *values = !strcmp(inputs[i], "input_ids") ? ids : !strcmp(inputs[i], "attention_mask") ? mask : types;
      check(api->CreateTensorWithDataAsOrtValue(memory, values, length * sizeof *values, shape, 2,
                                                ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &given[i]));
    }
    check(api->Run(session, NULL, (const char *const *)inputs, (const OrtValue *const *)given, input_count,
                   (const char *const *)outputs, output_count, found));
    printf("{");
    for (size_t i = 0; i < output_count; ++i) {
      if (i) printf(", ");
      print_output(outputs[i], found[i]);
      api->ReleaseValue(found[i]);
    }
    printf("}\n");
    for (size_t i = 0; i < input_count; ++i) api->ReleaseValue(given[i]);
    free(ids), free(types), free(mask);
  }
  api->ReleaseMemoryInfo(memory);
  api->ReleaseSession(session);
  api->ReleaseSessionOptions(options);
  api->ReleaseEnv(env);
  return 0;
}
