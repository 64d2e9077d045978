/** The list of all mutants. */
import type { Mutant } from './mutant.ts';
import { assembly } from './table/assembly.ts';
import { assemblyC } from './table/assembly-c.ts';
import { gate } from './table/gate.ts';
import { gateway } from './table/gateway.ts';
import { gatewayCluster } from './table/gateway-cluster.ts';
import { gatewayCollect } from './table/gateway-collect.ts';
import { gatewayFleet } from './table/gateway-fleet.ts';
import { gatewayHttp } from './table/gateway-http.ts';
import { gatewayJudge } from './table/gateway-judge.ts';
import { gatewayStore } from './table/gateway-store.ts';
import { host } from './table/host.ts';
import { hostMcu } from './table/host-mcu.ts';
import { kerasFaults } from './table/keras.ts';
import { labels } from './table/labels.ts';
import { learn } from './table/learn.ts';
import { learnDrift } from './table/learn-drift.ts';
import { mixers } from './table/mixers.ts';
import { models } from './table/models.ts';
import { modelsRead } from './table/models-read.ts';
import { modelsReadLayers } from './table/models-read-layers.ts';
import { modelsReadOnnx } from './table/models-read-onnx.ts';
import { modelsReadRows } from './table/models-read-rows.ts';
import { modelsReadTflite } from './table/models-read-tflite.ts';
import { more } from './table/more.ts';
import { norms } from './table/norms.ts';
import { outAgain } from './table/out-again.ts';
import { poolSearch } from './table/pool-search.ts';
import { pooling } from './table/pooling.ts';
import { quant } from './table/quant.ts';
import { quantCalibration } from './table/quant-calibration.ts';
import { recurrent } from './table/recurrent.ts';
import { relaxed } from './table/relaxed.ts';
import { swap } from './table/swap.ts';
import { wakeWord } from './table/wake-word.ts';
import { zoo } from './table/zoo.ts';

export const all: readonly Mutant[] = [
  ...modelsReadOnnx,
  ...modelsReadRows,
  ...modelsReadLayers,
  ...kerasFaults,
  ...modelsRead,
  ...modelsReadTflite,
  ...models,
  ...learn,
  ...learnDrift,
  ...labels,
  ...mixers,
  ...norms,
  ...pooling,
  ...poolSearch,
  ...recurrent,
  ...relaxed,
  ...quant,
  ...swap,
  ...wakeWord,
  ...quantCalibration,
  ...assembly,
  ...assemblyC,
  ...host,
  ...gate,
  ...hostMcu,
  ...gatewayHttp,
  ...gateway,
  ...gatewayCluster,
  ...gatewayCollect,
  ...gatewayJudge,
  ...outAgain,
  ...gatewayStore,
  ...gatewayFleet,
  ...more,
  ...zoo,
];
