//! Containers that a job's steps start themselves, by docker, compose or an action: no block of the workflow file
//! declares them, so every shard of the job starts all of them.

use std::collections::BTreeSet;

use yaml_serde::Value;

use super::super::github::{ContainerStart, WorkflowJob, container_starts, nests_too_deep};
use super::Repository;
use crate::config::Catalogue;

/// What compose looks for where no file is named.
const COMPOSE_FILES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Returns the services that a job's steps start, by the names that the catalogue knows them under, sorted.
pub(super) fn started(job: &WorkflowJob, repository: &Repository<'_>) -> Vec<String> {
    let mut names = BTreeSet::new();
    for step in &job.steps {
        let folder = step.working_directory.as_ref().or(job.defaults.working_directory.as_ref());
        let folder = folder.map_or("", |folder| folder.trim_start_matches("./").trim_end_matches('/'));
        for start in step.run.as_deref().map(container_starts).unwrap_or_default() {
            match start {
                ContainerStart::Image(image) if is_known("", &image) => {
                    names.insert(last_part(&image).to_owned());
                }
                ContainerStart::Image(_) => {}
                ContainerStart::Compose { files, services } => {
                    names.extend(of_compose(&files, &services, folder, repository));
                }
            }
        }
        // An action that is called after a service starts one: `supercharge/redis-github-action`.
        if let Some(action) = step.action().filter(|action| !action.starts_with(['.', '/'])) {
            let words = action.split(['/', '-', '_']).skip(1);
            names.extend(words.filter(|word| is_known(word, "")).map(str::to_owned));
        }
    }
    names.into_iter().collect()
}

fn of_compose(
    files: &[String],
    services: &[String],
    folder: &str,
    repository: &Repository<'_>,
) -> BTreeSet<String> {
    let below = |path: &str| if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") };
    let read = |path: &str| (repository.read)(&below(path.trim_start_matches("./")));
    let texts: Vec<String> = if files.is_empty() {
        COMPOSE_FILES.iter().find_map(|name| read(name)).into_iter().collect()
    } else {
        files.iter().filter_map(|file| read(file)).collect()
    };
    let flat = texts.iter().filter(|text| nests_too_deep(text).is_none());
    let documents: Vec<Value> = flat.filter_map(|text| yaml_serde::from_str(text).ok()).collect();
    let of = |name: &str| {
        let found = documents.iter().filter_map(|document| document.get("services")?.get(name));
        found.collect::<Vec<_>>()
    };
    let all = documents.iter().filter_map(|document| document.get("services")?.as_mapping());
    let all = all.flat_map(|services| services.keys()).filter_map(Value::as_str).map(str::to_owned);
    let mut open: Vec<String> = if services.is_empty() { all.collect() } else { services.to_vec() };
    let mut seen = BTreeSet::new();
    let mut known = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        for service in of(&name) {
            let image = service.get("image").and_then(Value::as_str).unwrap_or_default();
            if is_known(&name, image) {
                known.insert(name.clone());
            }
            match service.get("depends_on") {
                Some(Value::Sequence(others)) => {
                    open.extend(others.iter().filter_map(Value::as_str).map(str::to_owned));
                }
                Some(Value::Mapping(others)) => {
                    open.extend(others.keys().filter_map(Value::as_str).map(str::to_owned));
                }
                _ => {}
            }
        }
    }
    known
}

fn is_known(name: &str, image: &str) -> bool {
    let image = Some(image).filter(|image| !image.is_empty());
    (image.is_some() || !name.is_empty()) && Catalogue::embedded().times(name, image).is_some()
}

/// Returns an image without its registry, its tag and its digest.
fn last_part(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split([':', '@']).next().unwrap_or(name)
}
