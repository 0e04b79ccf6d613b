# Three servers over three zones, and agents that scale with the load. With the overlay `production`, whose PostgreSQL
# runs one instance on each server, it survives the loss of a zone.
zone_count = 3
nat        = "per_zone"
servers    = { count = 3, instance_type = "m7g.large", volume_size = 60 }
agents     = { min = 2, max = 6, instance_type = "c7g.large", volume_size = 30 }
database   = null

database_backups = true
secrets_manager  = true

# RDS instead: README, "The database".
# database = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
