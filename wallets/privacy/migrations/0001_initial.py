"""The record of erasures and exports of personal data."""

import wallet_project.kit.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='PrivacyRecord',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('run', wallet_project.kit.fields.BinaryUUIDField()),
                ('kind', models.CharField(choices=[('ERASED', 'Erased'), ('EXPORTED', 'Exported')], max_length=8)),
                ('client', models.PositiveIntegerField()),
                ('subject', wallet_project.kit.fields.DigestField(max_length=32, null=True)),
                ('wallet', wallet_project.kit.fields.BinaryUUIDField(null=True)),
                ('actor', models.CharField(max_length=64)),
                ('reason', models.CharField(max_length=500)),
                ('counts', models.JSONField()),
                ('is_complete', models.BooleanField()),
            ],
            options={
                'indexes': [models.Index(fields=['client', 'subject', 'id'], name='privacy_by_subject'), models.Index(fields=['wallet', 'id'], name='privacy_by_wallet')],
            },
        ),
    ]
