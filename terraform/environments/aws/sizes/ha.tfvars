# Three servers over three zones, and agents that follow the load: survives the loss of a zone with the overlay `production`,
# whose PostgreSQL runs in the cluster, one copy to a server.
zone_count = 3
nat        = "per_zone"
servers    = { count = 3, instance_type = "m7g.large", volume_size = 60 }
agents     = { min = 2, max = 6, instance_type = "c7g.large", volume_size = 30 }
database   = null

database_backups = true
secrets_manager  = true

# RDS instead: README, "The database".
# database = { instance_class = "db.t4g.medium", multi_az = true, storage = { initial = 20, max = 200 } }
