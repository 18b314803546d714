-- What only readers go by; made last where a projection is filled before anybody reads it.
CREATE INDEX entity_updated ON entity (updated_seq);
CREATE INDEX outcome_stream ON outcome (integration, dataset, seq);
CREATE INDEX outcome_kind ON outcome (outcome ->> 'outcome', integration, dataset);
