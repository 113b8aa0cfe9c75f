//! How long a plan takes, per shape and state, on a cluster of the usual size and on a large one.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use ladder::{Shape, State, Wish};

fn plans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    group.sample_size(10);
    for (nodes, resources) in [(3, 100), (16, 500)] {
        for shape in [Shape::Plain, Shape::Mixed, Shape::Clones, Shape::Promotable, Shape::Chains] {
            for state in [State::Running, State::Failover, State::Stopped] {
                let text = ladder::document(&Wish { shape, state, nodes, resources });
                let document = cib::parse(&text).expect("the ladder writes XML");
                let name = format!("{nodes}x{resources}/{shape:?}/{state:?}");
                let options = pengine::Options::default();
                group.bench_function(BenchmarkId::from_parameter(name), |bench| {
                    bench.iter(|| {
                        pengine::schedule(&document, model::WallTime(1_700_000_000), &options)
                    });
                });
            }
        }
    }
    group.finish();
}

criterion_group!(benches, plans);
criterion_main!(benches);
