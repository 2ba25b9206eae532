import { generateApiDocs } from './gen-api-docs.ts';
import { generateArgoCd } from './gen-argo-cd.ts';
import { generateChart } from './gen-chart.ts';
import { generateCrds } from './gen-crds.ts';
import { generateSqlDocs } from './gen-sql-docs.ts';
import { main } from './generated.ts';

// All generated files: `npm run gen` writes them, `npm run gen -- --check` tells which are not what the source makes.
await main([...generateCrds(), ...generateChart(), ...generateArgoCd(), ...generateApiDocs(), ...generateSqlDocs()]);
